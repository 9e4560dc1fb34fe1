/** Attaching to each kind of hook by its own interface. */

export { Attachment, attachTracepoint } from './attachment.ts';
export { type DriverFacts, readDriver } from './ethtool.ts';
export { type Direction, type IteratorScope, attachCgroup, attachIterator, attachNetfilter, attachNetkit, attachNetns, attachReplacement, attachTcx, attachTracing, attachXdp, openIterator, tcxAttachType } from './hooks.ts';
export { type InterfaceFacts, listInterfaces, readInterfaceFacts, readOtherInterface } from './interface-facts.ts';
export { type SetXdpOptions, type XdpMode, readInterface, setXdp } from './interface.ts';
export { LooseAttachment } from './loose-attachment.ts';
export { type HookProgram, MAX_HOOK_PROGRAMS, type Order, programsOn } from './order.ts';
export { type PerfEventSpec, attachPerfEvent, attachTraceEvent } from './perf-event.ts';
export { type KernelPlace, type UserPlace, attachKprobe, attachKprobes, attachUprobe, attachUprobes, kernelFunctionsLike, syscallFunction } from './probes.ts';
export { attachSocket, attachSockmap } from './socket-hooks.ts';
export { attachStructOps, writeOperations } from './struct-ops.ts';
export { surveyInterfaces } from './survey.ts';
export { type FilterProgram, TcFilter, freePlace } from './tc.ts';
export { type XdpFeatures, readXdpFeatures } from './xdp-features.ts';
