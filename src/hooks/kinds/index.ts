/** `Hook` and one implementation for each kind. */

export { attachProgram, type PlannedAttachment, planAttachment } from './attach.ts';
export { FilterHook } from './filter.ts';
export type { Hook, Occupant } from './hook.ts';
export { filterInterfaceHook, type InterfaceHook, xdpInterfaceHook } from './interface-hook.ts';
export { InterfaceSpot } from './interface-spot.ts';
export { LinkHook } from './link.ts';
export { endOf, isStructOps, linkTypeName } from './link-types.ts';
export { attachOperations, prepareOperations } from './operations.ts';
export { hookChanged } from './problems.ts';
export { canHookChange } from './program-hooks.ts';
export { XdpHook } from './xdp.ts';
