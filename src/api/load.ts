/**
 * Entry point `rootlet/load`: loading objects into the kernel: plan, execute, globals, typed maps. For Linux.
 *
 * @module rootlet/load
 */

export type { BtfInput, BtfValue } from '../btf/index.ts';
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
  type VerifierFailure,
  verifierFailureOf,
} from '../load/index.ts';
export { type ObjectTypes, TypedMap } from '../object/index.ts';
