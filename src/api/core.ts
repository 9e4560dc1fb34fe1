/** Entry point `rootlet/core`. */

export {
  type AccessSpec,
  acceptsAbsence,
  BAD_RELOCATION,
  type CoreAnswer,
  type CoreResult,
  type CoreTarget,
  type CoreTargets,
  coreKindName,
  essentialName,
  formatSpec,
  isEnumKind,
  isFieldKind,
  isTypeKind,
  needsCore,
  parseSpec,
  relocateCore,
  TypeFinder,
  typesCompatible,
  typesMatch,
} from '../core/index.ts';
