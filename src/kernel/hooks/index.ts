/** Attaching to each kind of hook by its own interface. */

export { Attachment, attachTracepoint } from './attachment.ts';
export { type Direction, type IteratorScope, type Order, attachCgroup, attachIterator, attachNetfilter, attachNetkit, attachNetns, attachReplacement, attachTcx, attachTracing, attachXdp, linksOn, openIterator } from './hooks.ts';
export { listInterfaces } from './interface-facts.ts';
export { type SetXdpOptions, type XdpMode, readInterface, setXdp } from './interface.ts';
export { LooseAttachment } from './loose-attachment.ts';
export { type PerfEventSpec, attachPerfEvent, attachTraceEvent } from './perf-event.ts';
export { type KernelPlace, type UserPlace, attachKprobe, attachKprobes, attachUprobe, attachUprobes, kernelFunctionsLike, syscallFunction } from './probes.ts';
export { attachSocket, attachSockmap } from './socket-hooks.ts';
export { attachStructOps, writeOperations } from './struct-ops.ts';
export { type FilterProgram, TcFilter, freePlace } from './tc.ts';
