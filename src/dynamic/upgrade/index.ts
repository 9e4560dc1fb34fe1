/** New versions of loaded objects and of attached programs. */

export { inheritedTypes, untypedPrograms } from './inherited-types.ts';
export { firstEntryState } from './object-state.ts';
export { optimizationOutlook } from './outlook.ts';
export { type ReplacedAttached, replaceAttached } from './replace-attached.ts';
export { type UpgradedConsumer, type UpgradeReport, upgrade } from './upgrade.ts';
