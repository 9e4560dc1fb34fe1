/** BTF_LOAD: loads the types of programs and maps into the kernel. */

import { BPF_BTF_LOAD, EMFILE } from '../../uapi/index.ts';
import { bpf, Fd, type Sys, syscallError } from '../sys/index.ts';
import { BtfLoadAttr, encodeAttr } from '../uapi/index.ts';
import { rememberTypes } from './types-by-id.ts';

const LOG_SIZE = 256 * 1024;

/** BPF_BTF_LOAD without a log and without errors: a descriptor, or minus errno. */
export function tryLoadBtf(sys: Sys, bytes: Uint8Array): number {
  const attr = encodeAttr(BtfLoadAttr, { btf: sys.addressOf(bytes), btf_size: bytes.length });
  return bpf(sys, BPF_BTF_LOAD, attr, [bytes]);
}

/** Loads BTF. Throws `kernel-btf-refused` with the end of the kernel's log, which names the refused type. */
export function loadBtf(sys: Sys, bytes: Uint8Array): Fd {
  const result = tryLoadBtf(sys, bytes);
  if (result >= 0) {
    rememberTypes(sys, result, bytes);
    return Fd.adopt(sys, result);
  }
  const what = `loading BTF of ${bytes.length} bytes`;
  if (result === -EMFILE) throw syscallError('kernel-btf-refused', [], what, result);
  const details = logLines(sys, bytes).slice(-5);
  throw syscallError('kernel-btf-refused', [], what, result, { details });
}

function logLines(sys: Sys, bytes: Uint8Array): string[] {
  const log = new Uint8Array(LOG_SIZE);
  const attr = encodeAttr(BtfLoadAttr, {
    btf: sys.addressOf(bytes),
    btf_size: bytes.length,
    btf_log_buf: sys.addressOf(log),
    btf_log_size: log.length,
    btf_log_level: 1,
  });
  const result = bpf(sys, BPF_BTF_LOAD, attr, [bytes, log]);
  if (result >= 0) sys.syscall('close', result);
  const end = log.indexOf(0);
  const text = new TextDecoder().decode(log.subarray(0, end < 0 ? log.length : end));
  return text.split('\n').filter(line => line.trim() !== '');
}
