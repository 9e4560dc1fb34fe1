/** System calls behind `Sys`, errno, descriptors, files of bpffs, locks, network namespaces. */

export {
  approach,
  DESCRIPTORS,
  type DirectoryStats,
  type DirectoryUse,
  distrust,
  isOnBpffs,
  isTrustedOwner,
  MOUNT_BPFFS,
  makeDirectories,
  makeDirectory,
  openHeld,
  throughDescriptor,
} from './bpffs.ts';
export { EMFILE_HINT, errnoOf, syscallError } from './errno.ts';
export { Fd } from './fd.ts';
export { waitForPrograms } from './grace-period.ts';
export { FileLock } from './lock.ts';
export { cpuLimit, onlineCpus, onlineNodes, pageSize, possibleCpus, stackDepth } from './machine.ts';
export {
  currentNetns,
  findNetns,
  inNetns,
  listNetns,
  type Netns,
  netnsIdentity,
  searchNetns,
} from './netns.ts';
export { type PinObstacle, pinObstacle } from './pin-obstacle.ts';
export { NOT_REGULAR, readRegular } from './regular-file.ts';
export { type Capabilities, capabilitiesOf, missingRights, ownCapabilities } from './rights.ts';
export {
  bpf,
  cText,
  decodeU32s,
  encodeU32s,
  holding,
  Mapping,
  type PollHandle,
  requireSys,
  type Sys,
  type SyscallArgument,
  type SyscallName,
} from './sys.ts';
