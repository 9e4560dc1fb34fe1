/** Error numbers that helpers return, negative; Linux's, which are the same on all its architectures but three. */

export const EPERM = 1;
export const ENOENT = 2;
export const E2BIG = 7;
export const ENOMEM = 12;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENOSPC = 28;
export const ERANGE = 34;
export const EOPNOTSUPP = 95;
export const EPROTONOSUPPORT = 93;
export const EADDRNOTAVAIL = 99;
/** The kernel's own, not in the user's header. */
export const ENOTSUPP = 524;
