/** What the running kernel supports. */

export { type DoctorReport, examine, type Finding } from './doctor.ts';
export { FEATURES, type Feature, type FeatureAnswer, mayHave, probeFeature } from './features.ts';
export { probeMapType, probeReplacement } from './probe-types.ts';
export { requireBpfLsm } from './security-modules.ts';
