/** System calls behind `Sys`, errno, descriptors, files of bpffs, locks, network namespaces. */

export {
  type Approach,
  approach,
  type ComponentCheck,
  type DirectoryStats,
  type DirectoryUse,
  type Distrust,
  distrust,
  isTrustedOwner,
  MOUNT_BPFFS,
  makeDirectories,
  makeDirectory,
} from './bpffs.ts';
export { EMFILE_HINT, errnoOf, syscallError } from './errno.ts';
export { type FakeAnswer, type FakeCall, FakeSys, failingSys } from './fake.ts';
export { Fd } from './fd.ts';
export { waitForPrograms } from './grace-period.ts';
export { FileLock } from './lock.ts';
export { cpuCountOf, cpuListOf, onlineCpus, pageSize, pageSizeOf, possibleCpus } from './machine.ts';
export { currentNetns, inNetns, listNetns, type Netns } from './netns.ts';
export { type Capabilities, capabilitiesOf, missingRights } from './rights.ts';
export {
  bpf,
  buffersInFlight,
  cText,
  decodeU32s,
  encodeU32s,
  holding,
  Mapping,
  type PollHandle,
  type Sys,
  type SyscallArgument,
  type SyscallName,
} from './sys.ts';
