export { INLINE_SCOPES, isInlineScope, requireOptimization, unknownNames } from './arguments.ts';
export { optimize } from './optimize.ts';
