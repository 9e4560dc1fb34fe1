/** Attaching to each kind of hook by its own interface. */

export { Attachment, attachTracepoint } from './attachment.ts';
export { type DriverFacts, readDriver } from './ethtool.ts';
export {
  attachCgroup,
  attachIterator,
  attachNetfilter,
  attachNetkit,
  attachNetns,
  attachReplacement,
  attachTcx,
  attachTracing,
  attachXdp,
  type Direction,
  type IteratorScope,
  openIterator,
  tcxAttachType,
} from './hooks.ts';
export { readInterface, type SetXdpOptions, setXdp, type XdpMode } from './interface.ts';
export {
  type InterfaceFacts,
  listInterfaces,
  readInterfaceFacts,
  readOtherInterface,
} from './interface-facts.ts';
export { LooseAttachment } from './loose-attachment.ts';
export { type HookProgram, MAX_HOOK_PROGRAMS, type Order, programsOn } from './order.ts';
export { attachPerfEvent, attachTraceEvent, type PerfEventSpec } from './perf-event.ts';
export {
  attachKprobe,
  attachKprobes,
  attachUprobe,
  attachUprobes,
  type KernelPlace,
  kernelFunctionsLike,
  syscallFunction,
  type UserPlace,
} from './probes.ts';
export { attachSocket, attachSockmap } from './socket-hooks.ts';
export { attachStructOps, writeOperations } from './struct-ops.ts';
export { type AttachedProgram, type Survey, surveyInterfaces } from './survey.ts';
export { type FilterProgram, filtersOn, freePlace, TcFilter } from './tc.ts';
export { type TraceLine, TracePipe } from './trace-pipe.ts';
export { readXdpFeatures, type XdpFeatures } from './xdp-features.ts';
