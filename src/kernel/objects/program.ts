/** Programs: BPF_PROG_LOAD with the kernel's log protocol, and operations on loaded programs. */

import { quote } from '../../diag/index.ts';
import {
  BPF_PROG_BIND_MAP,
  BPF_PROG_LOAD,
  EAGAIN,
  ENOSPC,
  FUNC_INFO_SIZE,
  LINE_INFO_SIZE,
} from '../../uapi/index.ts';
import { bpf, cText, encodeU32s, Fd, type Sys, syscallError } from '../sys/index.ts';
import { decodeAttr, encodeAttr, ProgBindMapAttr, ProgLoadAttr } from '../uapi/index.ts';
import { type ProgramDescription, readProgramInfo } from './info.ts';
import { pinObject } from './pin.ts';
import { type TestRunOptions, type TestRunResult, testRun } from './test-run.ts';

export interface ProgramSpec {
  /** At most 15 characters of `[A-Za-z0-9_.]`. */
  readonly name: string;
  readonly type: number;
  /** Instructions in host byte order, descriptors filled in. */
  readonly code: Uint8Array;
  readonly license: string;
  readonly expectedAttachType?: number;
  readonly flags?: number;
  readonly btfFd?: number;
  /** Records of `FUNC_INFO_SIZE` bytes. */
  readonly funcInfo?: Uint8Array;
  /** Records of `LINE_INFO_SIZE` bytes. */
  readonly lineInfo?: Uint8Array;
  /** Type that the program attaches to; in the BTF of `attachFd`, or in vmlinux when that is 0. */
  readonly attachBtfId?: number;
  /** Target program (freplace, fentry of a program) or BTF of a module. */
  readonly attachFd?: number;
  /** Descriptors that instructions name by index. */
  readonly fdArray?: readonly number[];
  /** LINUX_VERSION_CODE, which kernels before 5.0 require for kprobes. */
  readonly kernelVersion?: number;
  readonly ifindex?: number;
}

/** bpf(2)'s answer: a program, or errno and, when one was requested, the verifier's log. */
export type ProgramLoadResult =
  | {
      readonly kind: 'loaded';
      readonly fd: Fd;
      /** '' unless one was requested. */
      readonly log: string;
    }
  | {
      readonly kind: 'refused';
      readonly errno: number;
      readonly log: string;
      /** Bytes of the complete log; only since Linux 6.4, else 0. */
      readonly trueSize: number;
    };

/** Levels of the verifier's log: 0 none, 1 the path that failed, 2 everything; 4 adds statistics. */
export type LogLevel = 0 | 1 | 2 | 4 | 5 | 6;

const MAX_TRIES = 5;

/** One BPF_PROG_LOAD, repeated while the kernel reports EAGAIN. */
export function tryLoadProgram(
  sys: Sys,
  spec: ProgramSpec,
  logLevel: LogLevel = 0,
  logSize = 0,
): ProgramLoadResult {
  const license = cText(spec.license);
  const funcInfo = spec.funcInfo ?? NOTHING;
  const lineInfo = spec.lineInfo ?? NOTHING;
  const fdArray = encodeU32s(spec.fdArray ?? []);
  const log = new Uint8Array(logLevel === 0 ? 0 : logSize);
  const attr = encodeAttr(ProgLoadAttr, {
    prog_type: spec.type,
    insn_cnt: spec.code.length / 8,
    insns: sys.addressOf(spec.code),
    license: sys.addressOf(license),
    log_level: logLevel,
    log_size: log.length,
    log_buf: sys.addressOf(log),
    kern_version: spec.kernelVersion ?? 0,
    prog_flags: spec.flags ?? 0,
    prog_name: spec.name,
    prog_ifindex: spec.ifindex ?? 0,
    expected_attach_type: spec.expectedAttachType ?? 0,
    prog_btf_fd: spec.btfFd ?? 0,
    func_info_rec_size: funcInfo.length === 0 ? 0 : FUNC_INFO_SIZE,
    func_info: sys.addressOf(funcInfo),
    func_info_cnt: funcInfo.length / FUNC_INFO_SIZE,
    line_info_rec_size: lineInfo.length === 0 ? 0 : LINE_INFO_SIZE,
    line_info: sys.addressOf(lineInfo),
    line_info_cnt: lineInfo.length / LINE_INFO_SIZE,
    attach_btf_id: spec.attachBtfId ?? 0,
    attach_prog_fd: spec.attachFd ?? 0,
    fd_array: sys.addressOf(fdArray),
  });
  const buffers = [spec.code, license, funcInfo, lineInfo, fdArray, log];
  let result = -EAGAIN;
  for (let attempt = 0; attempt < MAX_TRIES && result === -EAGAIN; attempt++) {
    result = bpf(sys, BPF_PROG_LOAD, attr, buffers);
  }
  if (result >= 0) return { kind: 'loaded', fd: Fd.adopt(sys, result), log: textOf(log) };
  const trueSize = decodeAttr(ProgLoadAttr, attr).log_true_size;
  return { kind: 'refused', errno: -result, log: textOf(log), trueSize };
}

const NOTHING = new Uint8Array(0);

function textOf(log: Uint8Array): string {
  const end = log.indexOf(0);
  return new TextDecoder().decode(log.subarray(0, end < 0 ? log.length : end));
}

const FIRST_LOG_SIZE = 64 * 1024;
const MAX_LOG_SIZE = 16 * 1024 * 1024;

/**
 * Loads a program: first without a log, which is cheap; when the kernel refuses, again with one that grows
 * until the log fits. The errno is that of the first try: a log that does not fit would hide it after ENOSPC.
 * With `keepLog` a program that is accepted is loaded once more for its log, which is left out where it is
 * longer than the kernel allows.
 */
export function loadProgram(
  sys: Sys,
  spec: ProgramSpec,
  logLevel: LogLevel = 1,
  keepLog = false,
  again: () => ProgramSpec = () => spec,
): ProgramLoadResult {
  const first = tryLoadProgram(sys, spec);
  if (logLevel === 0 || (first.kind === 'loaded' && !keepLog)) return first;
  if (first.kind === 'refused') return loadForLog(sys, spec, logLevel, first.errno);
  const second = loadForLog(sys, again(), logLevel, 0);
  if (second.kind === 'loaded') first.fd.close();
  return second.kind === 'loaded' ? second : first;
}

/**
 * Tries with a log until it fits. `errno` is that of the load without a log, 0 if the program was accepted.
 */
function loadForLog(sys: Sys, spec: ProgramSpec, logLevel: LogLevel, errno: number): ProgramLoadResult {
  for (let size = FIRST_LOG_SIZE; ; ) {
    const again = tryLoadProgram(sys, spec, logLevel, size);
    if (again.kind === 'loaded') return again;
    const truncated = again.errno === ENOSPC && errno !== ENOSPC;
    if (!truncated || size >= MAX_LOG_SIZE) return { ...again, errno };
    size = Math.min(MAX_LOG_SIZE, Math.max(size * 4, again.trueSize));
  }
}

/** A program that the kernel accepted. */
export class BpfProgram {
  readonly sys: Sys;
  readonly fd: Fd;
  readonly name: string;
  readonly type: number;
  /** The verifier's log, if requested; else ''. */
  readonly log: string;

  constructor(sys: Sys, fd: Fd, name: string, type: number, log = '') {
    this.sys = sys;
    this.fd = fd;
    this.name = name;
    this.type = type;
    this.log = log;
  }

  /** Takes over a descriptor of a program that this process did not load. */
  static adopt(sys: Sys, fd: Fd): BpfProgram {
    return fd.handOver(() => {
      const info = readProgramInfo(sys, fd.number);
      return new BpfProgram(sys, fd, info.name, info.type);
    });
  }

  /** What the kernel knows of it. Throws `kernel-info`. */
  info(): ProgramDescription {
    return readProgramInfo(this.sys, this.fd.number);
  }

  /** Runs the program in the kernel on the given data. Throws `kernel-test-run`. */
  testRun(options: TestRunOptions = {}): TestRunResult {
    return testRun(this.sys, this.fd.number, this.type, options);
  }

  /**
   * Lets the program hold a map that it does not use, e.g. one with its own object file (since Linux 5.10).
   */
  bindMap(mapFd: number): void {
    const result = this.tryBindMap(mapFd);
    if (result < 0) {
      throw syscallError('kernel-bind-map', [`program ${quote(this.name)}`], 'binding a map', result);
    }
  }

  /** `bindMap` without errors: 0, or minus errno. */
  tryBindMap(mapFd: number): number {
    const attr = encodeAttr(ProgBindMapAttr, { prog_fd: this.fd.number, map_fd: mapFd });
    return bpf(this.sys, BPF_PROG_BIND_MAP, attr);
  }

  /** `shown` is the path for messages. Throws `kernel-pin`. */
  pin(path: string, shown = path): void {
    pinObject(this.sys, this.fd.number, path, shown);
  }

  /** Closes the descriptor. A program that nothing pins or attaches ends with its last descriptor. */
  close(): void {
    this.fd.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
