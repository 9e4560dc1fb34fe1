export type { ContextKind } from './fields.ts';
export { specialise } from './specialise.ts';
