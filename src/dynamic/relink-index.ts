/** Dynamic re-linking: what is public of it. */

export type { Choice } from './relink-backends.ts';
export type { GenerationOptions } from './relink-context.ts';
export type { Component, Design, ObjectFile, SlotChange, SlotFill } from './relink-design.ts';
export type { Generation, RelinkVia } from './relink-generation.ts';
export {
  type Replaced,
  type ReplaceOptions,
  Rootlet,
  type RootletJournal,
  type RootletOptions,
  type SlotState,
} from './relink-rootlet.ts';
export { firstRelink, type OpenRequest, openRootlet, slotsFor } from './relink-store.ts';
