/** Removes a hook again; torch's RemovableHandle. */
export class RemovableHandle {
  readonly #remove: () => void;

  constructor(remove: () => void) {
    this.#remove = remove;
  }

  /** Removes the hook; a second call does nothing. */
  remove(): void {
    this.#remove();
  }

  [Symbol.dispose](): void {
    this.#remove();
  }
}

/** Hooks of one kind, in the order in which they are called. */
export class HookList<Hook> implements Iterable<Hook> {
  #entries: { hook: Hook }[] = [];

  add(hook: Hook, prepend = false): RemovableHandle {
    const entry = { hook };
    this.#entries = prepend ? [entry, ...this.#entries] : [...this.#entries, entry];
    return new RemovableHandle(() => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    });
  }

  /** The hooks as they are now: one that is added or removed during the calls counts from the next time on. */
  *[Symbol.iterator](): Iterator<Hook> {
    for (const { hook } of this.#entries) yield hook;
  }
}
