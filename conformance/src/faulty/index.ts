export { explain } from './explain.ts';
export type { Fault } from './fault.ts';
export { faults } from './faults.ts';
export { writeFaultReport, type FaultReport, type FaultRow, type VariantRow } from './report.ts';
export { runFaults, type FaultOptions } from './run.ts';
export { variants, type Variant } from './variants.ts';
