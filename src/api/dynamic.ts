/**
 * Entry point `rootlet/dynamic`: externs bound to loaded objects, slots filled while a rootlet runs, new
 * versions. For Linux.
 *
 * @module rootlet/dynamic
 */

export { recoverChains as recoverLeft } from '../chain/index.ts';
export type { BindingBackEnd } from '../dynamic/index.ts';
export {
  type Binding,
  type Component,
  type DynamicLoadOptions,
  DynamicObject,
  describeBinding,
  entryParts,
  type GenerationOptions,
  load,
  loadAgainst,
  OBJECT_FILE,
  type Provider,
  Registry,
  type Replaced,
  type ReplacedAttached,
  type ReplaceOptions,
  type ReplaceOutcome,
  type ReplaceRequest,
  Rootlet,
  type RootletOptions,
  replace,
  type SlotBackEnd,
  type SlotChange,
  type SlotFill,
  type SlotState,
  type StoreLoadOptions,
  type UpgradeReport,
} from '../dynamic/index.ts';
export type { Settings, StateChange } from '../state/index.ts';
