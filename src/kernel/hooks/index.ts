/** Attaching to each kind of hook by its own interface. */

export { Attachment, adoptLink, attach, attachTracepoint, type LinkSpec } from './attachment.ts';
export { findExecutable, functionOffset } from './executable.ts';
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
  linksOn,
  type Order,
  openIterator,
} from './hooks.ts';
export {
  type InterfaceInfo,
  readInterface,
  type SetXdpOptions,
  setXdp,
  XDP_FLAGS_DRV_MODE,
  XDP_FLAGS_HW_MODE,
  XDP_FLAGS_REPLACE,
  XDP_FLAGS_SKB_MODE,
  XDP_FLAGS_UPDATE_IF_NOEXIST,
  type XdpMode,
  xdpModeFlag,
} from './interface.ts';
export { LooseAttachment, type LooseHook } from './loose-attachment.ts';
export {
  type Attribute,
  type AttributeValue,
  encodeAttributes,
  type NetlinkAnswer,
  type NetlinkMessage,
  NetlinkSocket,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_ECHO,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  netlinkError,
  parseAttributes,
  u32Of,
} from './netlink.ts';
export {
  attachPerfEvent,
  attachToEvent,
  attachTraceEvent,
  namedAt,
  numberIn,
  openPerfEvent,
  PerfEventAttr,
  type PerfEventSpec,
} from './perf-event.ts';
export {
  attachKprobe,
  attachKprobes,
  attachUprobe,
  attachUprobes,
  type KernelPlace,
  kernelFunctionsLike,
  type MultiOptions,
  matchesGlob,
  type ProbeOptions,
  syscallFunction,
  type UserPlace,
} from './probes.ts';
export { attachSocket, attachSockmap } from './socket-hooks.ts';
export { attachStructOps, writeOperations } from './struct-ops.ts';
export { type FilterProgram, freePlace, removeClsact, TcFilter, type TcOptions } from './tc.ts';
