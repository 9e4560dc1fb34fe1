export {
  DISPATCHER_VERSIONS,
  type DispatcherConfig,
  type DispatcherVersion,
  EMPTY_SLOT,
  MAX_SLOTS,
  takesFrags,
} from './config.ts';
export { DISPATCHER_PROGRAM, makeDispatcher, slotName } from './dispatcher.ts';
export { LibxdpPins, libxdpDirectory, type PinnedDispatcher, type SlotPins } from './pins.ts';
export {
  type DispatcherMember,
  type DispatcherReading,
  type ReadDispatcher,
  readDispatcher,
} from './read.ts';
