/**
 * Entry point `rootlet/core`: CO-RE, objects made right for the types of a kernel. Works in a browser.
 *
 * @module rootlet/core
 */

export {
  type CoreAnswer,
  type CoreResult,
  type CoreTargets,
  needsCore,
  relocateCore,
  TypeFinder,
} from '../core/index.ts';
