/**
 * Entry point `rootlet/hooks`: attaching programs: one `Hook` for every kind of attachment. For Linux.
 *
 * @module rootlet/hooks
 */

export {
  type AttachPlace,
  attachOperations,
  attachProgram,
  attachTo,
  type Hook,
  type HookRequest,
  type Occupant,
  openHook,
  type PlaceFlags,
  parseHook,
  prepareOperations,
  type Removal,
  removeHook,
} from '../hooks/index.ts';
