/**
 * What this process may do with bpf(2), read from files of /proc; separate, so it can be tested without root.
 */

import { readFileSync } from 'node:fs';

const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;
const CAP_BPF = 39n;

export interface Capabilities {
  readonly bpf: boolean;
  readonly netAdmin: boolean;
  readonly perfmon: boolean;
  /** Opening objects by their ids, and other network namespaces. */
  readonly sysAdmin: boolean;
}

/**
 * Effective capabilities in the text of /proc/PID/status; CAP_SYS_ADMIN represents CAP_BPF and CAP_PERFMON.
 */
export function capabilitiesOf(status: string): Capabilities {
  const line = status.split('\n').find(candidate => candidate.startsWith('CapEff:')) ?? '';
  const digits = line.slice('CapEff:'.length).trim();
  const set = /^[0-9a-f]{1,16}$/.test(digits) ? BigInt(`0x${digits}`) : 0n;
  const has = (bit: bigint) => ((set >> bit) & 1n) === 1n;
  const admin = has(CAP_SYS_ADMIN);
  return {
    bpf: admin || has(CAP_BPF),
    netAdmin: has(CAP_NET_ADMIN),
    perfmon: admin || has(CAP_PERFMON),
    sysAdmin: admin,
  };
}

/** Of the calling thread; none of them where /proc cannot be read. */
export function ownCapabilities(): Capabilities {
  return capabilitiesOf(textOf('/proc/thread-self/status'));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Why bpf(2) answered EPERM, as text, and what to do. */
export function missingRights(
  status: string,
  unprivilegedDisabled: string,
): { reason: string; hint: string } {
  const { bpf, netAdmin } = capabilitiesOf(status);
  const missing = [...(bpf ? [] : ['CAP_BPF']), ...(netAdmin ? [] : ['CAP_NET_ADMIN'])];
  if (missing.length === 0) {
    return {
      reason: 'the kernel refuses bpf(2) although this process has CAP_BPF and CAP_NET_ADMIN',
      hint: 'inside a container or user namespace the capabilities do not count for bpf(2); also look for a seccomp filter, and on Linux before 5.11 at "ulimit -l"',
    };
  }
  const setting = unprivilegedDisabled.trim();
  const sysctl = setting === '' ? '' : `; kernel.unprivileged_bpf_disabled is ${setting}`;
  return {
    reason: `this process may not load BPF programs: ${missing.join(' and ')} missing${sysctl}`,
    hint: 'run as root, or give the process CAP_BPF, CAP_NET_ADMIN and, for tracing and function replacement, CAP_PERFMON',
  };
}
