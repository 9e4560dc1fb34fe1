/** What happens to maps, variables and settings when code changes. */

export {
  type Decision,
  type DroppedMap,
  type MapDecision,
  type PreviousMap,
  previousOf,
  type StoredState,
} from './decision.ts';
export {
  duplicateMap,
  pinReused,
  pinRootOf,
  planWithState,
  reuseOf,
  StateTransfer,
  storedStates,
} from './execute.ts';
export { FreshNames } from './fresh.ts';
export {
  candidatesOf,
  componentName,
  findHeirs,
  freeComponentName,
  type Incumbent,
  sameBytes,
} from './heirs.ts';
export { type MapIdentity, mapKey, partKey } from './identity.ts';
export { type KeptTypes, MapTypes } from './map-types.ts';
export { requireNewMaps } from './new-maps.ts';
export { encodeOptimizeField } from './optimize-record.ts';
export { type PlannedState, planState, type StateRequest } from './plan.ts';
export { decodeEntryState, type EntryState, encodeEntryState } from './record.ts';
export { describeState, reportState, type StateChange } from './report.ts';
export {
  hasSettings,
  mapNames,
  mergeSettings,
  NO_SETTINGS,
  type Settings,
  type SettingsByOwner,
  settingsFor,
  settingsIn,
  variableNames,
} from './settings.ts';
export { type PlacedVariable, variablesOf } from './variables.ts';
