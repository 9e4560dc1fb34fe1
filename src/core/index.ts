/** CO-RE: an object relocated for the types of a kernel. */

export { typesCompatible, typesMatch } from './compat.ts';
export {
  acceptsAbsence,
  coreKindName,
  ENUMVAL_EXISTS,
  ENUMVAL_VALUE,
  FIELD_BYTE_OFFSET,
  FIELD_BYTE_SIZE,
  FIELD_EXISTS,
  FIELD_LSHIFT_U64,
  FIELD_RSHIFT_U64,
  FIELD_SIGNED,
  isEnumKind,
  isFieldKind,
  isTypeKind,
  TYPE_EXISTS,
  TYPE_ID_LOCAL,
  TYPE_ID_TARGET,
  TYPE_MATCHES,
  TYPE_SIZE,
} from './kinds.ts';
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
export { type AccessSpec, formatSpec, parseSpec } from './spec.ts';
