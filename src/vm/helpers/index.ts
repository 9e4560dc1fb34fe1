/** Helper functions of the machine. */

export { LOAD_PACKET } from './legacy-load.ts';
export type { ArgumentKind, Helper, HelperFunction } from './spec.ts';
export { helperById } from './table.ts';
