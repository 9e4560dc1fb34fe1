/** What loaded objects export, and how others reach it. */

export { type Composed, compose, type Join } from './compose.ts';
export { type Export, exportsOf, findExport } from './exports.ts';
export { liveSizes, withoutStages } from './live-maps.ts';
export { loadMember, type MemberOptions, memberOptionsOf, openShared, REPLACEMENT_TYPE } from './member.ts';
export type { Provider, ProviderImport } from './provider.ts';
export { attachToStub, Replacements } from './replacements.ts';
export { clearSlot, isSlotArray, SLOT_ARRAY, setSlot, TAIL_ARRAY, TailSlots } from './tail-slots.ts';
