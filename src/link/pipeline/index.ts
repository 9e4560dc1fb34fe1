/** The pipeline that all links share: its phases, options and outcomes. */

export {
  finishNamed,
  indexesAfter,
  isOptimized,
  type OptimizationRequest,
  weakFunctions,
} from './optimization.ts';
export type { CommonLinkOptions, LinkedObject, LinkFailure } from './options.ts';
export {
  type Attempt,
  type Merged,
  mergeAtoms,
  type Named,
  type Naming,
  nameAtoms,
  type Pruned,
  pruneAtoms,
  type ResolveRequest,
  resolveNames,
  type Selection,
  unedited,
} from './pipeline.ts';
