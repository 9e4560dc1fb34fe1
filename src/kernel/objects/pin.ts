/** Pins: names for kernel objects in a bpf file system, which keep them alive without a process. */

import { basename, dirname } from 'node:path';
import { quote } from '../../diag/index.ts';
import { BPF_OBJ_GET, BPF_OBJ_PIN, EINVAL, ENOENT, EPERM } from '../../uapi/index.ts';
import { bpf, cText, Fd, isOnBpffs, MOUNT_BPFFS, type Sys, syscallError } from '../sys/index.ts';
import { encodeAttr, ObjPinAttr } from '../uapi/index.ts';

/**
 * Pins the object of `fd`. The file must not exist, its directory must. `shown` is the path for messages,
 * where `path` goes through a descriptor. Throws `kernel-pin`.
 */
export function pinObject(sys: Sys, fd: number, path: string, shown = path): void {
  const pathname = cText(path);
  const attr = encodeAttr(ObjPinAttr, { bpf_fd: fd, pathname: sys.addressOf(pathname) });
  const result = bpf(sys, BPF_OBJ_PIN, attr, [pathname]);
  if (result < 0)
    throw syscallError('kernel-pin', [], `pinning at ${quote(shown)}`, result, pinHint(-result, path));
}

/**
 * The object pinned at `path`, or undefined when there is no such file. `shown` as above. Throws
 * `kernel-pin`.
 */
export function openPinned(sys: Sys, path: string, shown = path): Fd | undefined {
  const pathname = cText(path);
  const attr = encodeAttr(ObjPinAttr, { pathname: sys.addressOf(pathname) });
  const result = bpf(sys, BPF_OBJ_GET, attr, [pathname]);
  if (result === -ENOENT) return undefined;
  if (result < 0) throw syscallError('kernel-pin', [], `opening the pin ${quote(shown)}`, result);
  return Fd.adopt(sys, result);
}

/** The kernel answers EPERM for other file systems and for names with a dot as well. */
function pinHint(errno: number, path: string): { hint?: string } {
  if (errno !== EPERM && errno !== EINVAL && errno !== ENOENT) return {};
  if (!isOnBpffs(dirname(path)))
    return { hint: `the directory must be on a bpf file system ("${MOUNT_BPFFS}")` };
  if (basename(path).includes('.')) return { hint: 'names of pins have no "."' };
  return errno === EPERM ? { hint: 'CAP_BPF is needed, or a security module refuses it' } : {};
}
