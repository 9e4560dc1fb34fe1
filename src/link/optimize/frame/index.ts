export { followFrame } from './flow.ts';
export { ANY_NUMBER, type Range } from './number.ts';
export { ANYWHERE, FRAME } from './state.ts';
export type { FrameCode } from './step.ts';
export { type FrameUse, UNKNOWN_USE } from './use.ts';
