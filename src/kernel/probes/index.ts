/** What the running kernel supports. */

export { type DoctorReport, examine, type Finding } from './doctor.ts';
export {
  FEATURES,
  type Feature,
  type FeatureAnswer,
  FUNCTION_ADDRESS_SINCE,
  mayHave,
  probeFeature,
  probeFunctionAddress,
} from './features.ts';
export { probeLink, probeMapType, probeReplacement } from './probe-types.ts';
export { requireBpfLsm } from './security-modules.ts';
