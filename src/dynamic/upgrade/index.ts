/** New versions of loaded objects and of attached programs. */

export { firstEntryState } from './object-state.ts';
export { type ReplaceAttachedRequest, type ReplacedAttached, replaceAttached } from './replace-attached.ts';
export { type UpgradedConsumer, type UpgradeOptions, type UpgradeReport, upgrade } from './upgrade.ts';
