/**
 * Error numbers of Linux, the same on all its architectures but three, with their names and words for them.
 *
 * Besides the C library's list this has the kernel's internal numbers from 512 on: bpf(2) returns some of
 * them (524 ENOTSUPP above all), and no C library has a name for them.
 */

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const E2BIG = 7;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const ENOSPC = 28;
export const EROFS = 30;
export const ERANGE = 34;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const ENOLINK = 67;
export const EPROTONOSUPPORT = 93;
export const EOPNOTSUPP = 95;
export const EADDRNOTAVAIL = 99;
export const EALREADY = 114;
export const ESTALE = 116;
export const ENOTSUPP = 524;

const ERRORS: readonly (readonly [number: number, name: string, words: string])[] = [
  [1, 'EPERM', 'operation not permitted'],
  [2, 'ENOENT', 'no such file, element or object'],
  [3, 'ESRCH', 'no such process or symbol'],
  [4, 'EINTR', 'interrupted by a signal'],
  [5, 'EIO', 'input/output error'],
  [6, 'ENXIO', 'no such device or address'],
  [7, 'E2BIG', 'argument, program or map too large'],
  [8, 'ENOEXEC', 'not executable'],
  [9, 'EBADF', 'bad file descriptor'],
  [10, 'ECHILD', 'no child process'],
  [11, 'EAGAIN', 'try again'],
  [12, 'ENOMEM', 'out of memory'],
  [13, 'EACCES', 'access denied'],
  [14, 'EFAULT', 'bad memory address'],
  [15, 'ENOTBLK', 'not a block device'],
  [16, 'EBUSY', 'busy'],
  [17, 'EEXIST', 'exists already'],
  [18, 'EXDEV', 'crosses devices'],
  [19, 'ENODEV', 'no such device'],
  [20, 'ENOTDIR', 'not a directory'],
  [21, 'EISDIR', 'is a directory'],
  [22, 'EINVAL', 'invalid argument'],
  [23, 'ENFILE', 'too many open files in the system'],
  [24, 'EMFILE', 'too many open files in this process'],
  [27, 'EFBIG', 'file too large'],
  [28, 'ENOSPC', 'no space left'],
  [29, 'ESPIPE', 'cannot seek'],
  [30, 'EROFS', 'read-only file system'],
  [31, 'EMLINK', 'too many links'],
  [32, 'EPIPE', 'broken pipe'],
  [33, 'EDOM', 'outside its domain'],
  [34, 'ERANGE', 'out of range'],
  [35, 'EDEADLK', 'would deadlock'],
  [36, 'ENAMETOOLONG', 'name too long'],
  [37, 'ENOLCK', 'no locks available'],
  [38, 'ENOSYS', 'this kernel has no such system call'],
  [39, 'ENOTEMPTY', 'directory not empty'],
  [40, 'ELOOP', 'too many levels of links'],
  [52, 'EBADE', 'invalid exchange'],
  [61, 'ENODATA', 'no data'],
  [62, 'ETIME', 'timer expired'],
  [67, 'ENOLINK', 'what it was attached to is gone'],
  [71, 'EPROTO', 'protocol error'],
  [74, 'EBADMSG', 'bad message'],
  [75, 'EOVERFLOW', 'value too large'],
  [77, 'EBADFD', 'file descriptor in bad state'],
  [88, 'ENOTSOCK', 'not a socket'],
  [90, 'EMSGSIZE', 'message too long'],
  [92, 'ENOPROTOOPT', 'no such protocol option'],
  [93, 'EPROTONOSUPPORT', 'protocol not supported'],
  [95, 'EOPNOTSUPP', 'operation not supported'],
  [97, 'EAFNOSUPPORT', 'address family not supported'],
  [98, 'EADDRINUSE', 'address in use'],
  [99, 'EADDRNOTAVAIL', 'address not available'],
  [100, 'ENETDOWN', 'network is down'],
  [101, 'ENETUNREACH', 'network unreachable'],
  [105, 'ENOBUFS', 'no buffer space'],
  [107, 'ENOTCONN', 'not connected'],
  [110, 'ETIMEDOUT', 'timed out'],
  [111, 'ECONNREFUSED', 'connection refused'],
  [114, 'EALREADY', 'already under way'],
  [116, 'ESTALE', 'stale handle'],
  [125, 'ECANCELED', 'cancelled'],
  [126, 'ENOKEY', 'required key missing'],
  [129, 'EKEYREJECTED', 'signature rejected'],
  [512, 'ERESTARTSYS', 'interrupted, to be restarted'],
  [513, 'ERESTARTNOINTR', 'interrupted, to be restarted'],
  [514, 'ERESTARTNOHAND', 'interrupted, to be restarted without a handler'],
  [515, 'ENOIOCTLCMD', 'no such ioctl command'],
  [516, 'ERESTART_RESTARTBLOCK', 'interrupted, to be restarted'],
  [517, 'EPROBE_DEFER', 'driver asks to be probed again later'],
  [518, 'EOPENSTALE', 'stale file'],
  [519, 'ENOPARAM', 'parameter not supported'],
  [521, 'EBADHANDLE', 'bad file handle'],
  [522, 'ENOTSYNC', 'update out of step'],
  [523, 'EBADCOOKIE', 'stale cookie'],
  [524, 'ENOTSUPP', 'not supported by this kernel, program type or device'],
  [525, 'ETOOSMALL', 'buffer or request too small'],
  [526, 'ESERVERFAULT', 'server fault'],
  [527, 'EBADTYPE', 'type not supported'],
  [528, 'EJUKEBOX', 'will take long'],
  [529, 'EIOCBQUEUED', 'queued'],
];

const BY_NUMBER: ReadonlyMap<number, { readonly name: string; readonly words: string }> = new Map(
  ERRORS.map(([number, name, words]) => [number, { name, words }]),
);

/** The symbol for an errno, e.g. `ENOTSUPP` for 524; `errno 999` when there is none. */
export function errnoName(errno: number): string {
  return BY_NUMBER.get(errno)?.name ?? `errno ${errno}`;
}

/** Words and symbol: `not supported by this kernel, program type or device (ENOTSUPP)`. */
export function errnoText(errno: number): string {
  const known = BY_NUMBER.get(errno);
  return known === undefined ? `error ${errno}` : `${known.words} (${known.name})`;
}
