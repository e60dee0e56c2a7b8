import type { Backend } from '../binding.ts';

const forgotten = new FinalizationRegistry<{ backend: Backend; id: number }>(({ backend, id }) =>
  backend.binding.deleteTensor(id),
);

/** A tensor of the binding that is deleted when it is disposed, or else when it was forgotten. */
export class Handle {
  readonly backend: Backend;
  readonly id: number;

  /** Takes over a tensor of the binding. */
  constructor(backend: Backend, id: number) {
    this.backend = backend;
    this.id = id;
    forgotten.register(this, { backend, id }, this);
  }

  dispose(): void {
    // Once: the binding gives no number twice, and refuses one that is gone.
    if (forgotten.unregister(this)) this.backend.binding.deleteTensor(this.id);
  }
}
