/**
 * Entry point `rootlet/load`: loading objects into the kernel: plan, execute, globals, typed maps. For Linux.
 *
 * @module rootlet/load
 */

export type { BtfValue } from '../btf/index.ts';
export {
  type AttachTarget,
  type ExecuteOptions,
  executePlan,
  findTarget,
  type KernelTypes,
  LoadedObject,
  type LoadOptions,
  type LoadPlan,
  loadObject,
  type OptimizeSetting,
  openKernelTypes,
  type PacketRun,
  type PlanOptions,
  type PreparedLoad,
  type ProgramOptions,
  prepareLoad,
  type SourcePlace,
  TypedMap,
  type VerifierFailure,
  verifierFailureOf,
} from '../load/index.ts';
