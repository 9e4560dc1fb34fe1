export type { InlinedCall, InlineScope, KeptCall } from './options.ts';
export { Refusal } from './refusal.ts';
