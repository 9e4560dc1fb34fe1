/** What happens to every map, variable and setting when code changes: one planner for all commands. */

export { type CarriedEntries, type ChangedEntry, changedEntries, type Successors } from './contents.ts';
export {
  type CarriedVariable,
  type Decision,
  type DroppedMap,
  keptFrom,
  type LostVariable,
  type MapDecision,
  type PreviousMap,
  previousOf,
  type StaticContents,
  type StoredState,
} from './decision.ts';
export {
  carryValues,
  duplicateMap,
  pinReused,
  pinRootOf,
  planWithState,
  reuseOf,
  StateTransfer,
  storedStates,
} from './execute.ts';
export { FreshNames } from './fresh.ts';
export { type MapIdentity, mapKey, partKey } from './identity.ts';
export { type PlannedState, planState, type StateRequest } from './plan.ts';
export { decodeEntryState, type EntryState, encodeEntryState } from './record.ts';
export {
  describeState,
  losesState,
  reportState,
  type StateChange,
} from './report.ts';
export {
  type FittingSettings,
  hasSettings,
  mapNames,
  mergeSettings,
  NO_SETTINGS,
  type Settings,
  type SettingsByOwner,
  settingsIn,
  variableNames,
} from './settings.ts';
