import type { Subject } from '../subject.ts';

/** A subject that breaks: no error of an optimizer, but one of its own. */
const broken: Subject = {
  name: 'broken',
  claim: 'exact',
  device: 'none',
  run() {
    throw new Error('the device is gone');
  },
};

export default broken;
