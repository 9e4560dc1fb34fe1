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
  planWithState,
  reuseOf,
  StateTransfer,
  storedStates,
} from './execute.ts';
export { FreshNames } from './fresh.ts';
export { type MapIdentity, mapKey, partKey } from './identity.ts';
export { type PlannedState, planState, type StateRequest } from './plan.ts';
export { decodeStates, encodeStates } from './record.ts';
export {
  describeState,
  losesState,
  reportDecision,
  reportDropped,
  type StateChange,
} from './report.ts';
export {
  decodeSettings,
  encodeSettings,
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
