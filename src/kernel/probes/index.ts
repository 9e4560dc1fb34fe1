/** What the running kernel supports. */

export {
  type DoctorReport,
  environmentFindings,
  examine,
  type Finding,
  type MachineTexts,
  readMachineTexts,
} from './doctor.ts';
export {
  answerOf,
  FEATURES,
  type Feature,
  type FeatureAnswer,
  mayHave,
  probeFeature,
  unanswered,
} from './features.ts';
export {
  LINK_PROBE_NAMES,
  type LinkProbe,
  probeLink,
  probeMapType,
  probeProgramType,
  probeReplacement,
} from './probe-types.ts';
export { requireBpfLsm, securityModules } from './security-modules.ts';
