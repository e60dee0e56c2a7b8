import test from 'ava';
import { chooseFlavor } from './flavor.ts';

test('TensorFlow has CUDA where there is a driver of NVIDIA', (t) => {
  const driver = import.meta.filename; // any file that is there
  t.is(chooseFlavor({}, ['/nowhere']).flavor, 'cpu');
  t.deepEqual(chooseFlavor({}, ['/nowhere', driver]), {
    flavor: 'gpu',
    reason: `NVIDIA driver found (${driver})`,
  });
});

test('TF_FLAVOR overrides what is found', (t) => {
  const driver = import.meta.filename;
  t.deepEqual(chooseFlavor({ TF_FLAVOR: 'cpu' }, [driver]), { flavor: 'cpu', reason: 'TF_FLAVOR=cpu' });
  t.deepEqual(chooseFlavor({ TF_FLAVOR: 'gpu' }, ['/nowhere']), { flavor: 'gpu', reason: 'TF_FLAVOR=gpu' });
  t.is(chooseFlavor({ TF_FLAVOR: '' }, ['/nowhere']).flavor, 'cpu');
  t.throws(() => chooseFlavor({ TF_FLAVOR: 'cuda' }), {
    name: 'SetupError',
    message: /set it to cpu or gpu/,
  });
});
