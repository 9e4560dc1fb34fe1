export { type ChainExplanation, type ExplainedMember, explainChain } from './explain.ts';
export { type MemberReading, type Reading, WatchedChain } from './open.ts';
export { type MemberRate, ratesBetween, whyNotCounted } from './rates.ts';
export { PacketTrace, type TracedPacket } from './trace.ts';
