/** CO-RE: an object relocated for the types of a kernel. */

export { typesCompatible } from './compat.ts';
export { essentialName, TypeFinder } from './names.ts';
export { BAD_RELOCATION } from './patch.ts';
export {
  type CoreAnswer,
  type CoreResult,
  type CoreTarget,
  type CoreTargets,
  needsCore,
  relocateCore,
} from './relocate.ts';
