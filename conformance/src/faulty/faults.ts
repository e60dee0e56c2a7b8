import { adadeltaFaults } from './adadelta.ts';
import { commonFaults } from './common.ts';
import type { Fault } from './fault.ts';
import { groupFaults } from './groups.ts';
import { hookFaults } from './hooks.ts';
import { loadingFaults } from './loading.ts';
import { optionFaults } from './options.ts';
import { precisionFaults } from './precision.ts';
import { savingFaults } from './saving.ts';
import { sgdFaults } from './sgd.ts';
import { stateFaults } from './state.ts';
import { steppingFaults } from './stepping.ts';

/** Every planted fault: the arithmetic first, then the structure. */
export const faults: readonly Fault[] = [
  ...adadeltaFaults,
  ...sgdFaults,
  ...commonFaults,
  ...precisionFaults,
  ...steppingFaults,
  ...stateFaults,
  ...groupFaults,
  ...optionFaults,
  ...hookFaults,
  ...savingFaults,
  ...loadingFaults,
];
