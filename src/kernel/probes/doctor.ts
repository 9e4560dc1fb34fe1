/** BPF support of this machine, as data: supported and missing features, with remedies. */

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { given } from '../../bytes/index.ts';
import * as types from '../../uapi/index.ts';
import { EPERM } from '../../uapi/index.ts';
import { capabilitiesOf, MOUNT_BPFFS, type PinObstacle, pinObstacle, type Sys } from '../sys/index.ts';
import { FEATURES, type Feature, type FeatureAnswer, probeFeature } from './features.ts';
import {
  LINK_PROBE_NAMES,
  probeLink,
  probeMapType,
  probeProgramType,
  probeReplacement,
} from './probe-types.ts';
import { securityModules } from './security-modules.ts';
import { ATTACHMENT_NEEDS, fixFor, MAP_TYPE_NEEDS, type Needs, PROGRAM_TYPE_NEEDS } from './type-releases.ts';

/** One thing that the machine has, or lacks, and what to do about it. */
export interface Finding {
  /** Stable, for programs: `jit`, `bpffs`, `program-type-xdp`, … */
  readonly id: string;
  readonly title: string;
  readonly state: 'ok' | 'missing' | 'unknown';
  /** A word or a sentence; '' if the state suffices. */
  readonly detail: string;
  /** Of the call that could not be answered, where the state is `unknown`. */
  readonly errno?: number;
  readonly fix?: string;
}

/** What this machine can do with BPF. */
export interface DoctorReport {
  readonly kernel: string;
  readonly architecture: string;
  /** What loading needs. */
  readonly environment: readonly Finding[];
  readonly features: readonly Finding[];
  readonly programTypes: readonly Finding[];
  readonly mapTypes: readonly Finding[];
  readonly attachments: readonly Finding[];
}

/** Texts of the machine that findings are made of; a test gives its own. */
export interface MachineTexts {
  readonly status: string;
  readonly mounts: string;
  readonly lockdown: string;
  readonly jit: string;
  readonly unprivileged: string;
  /** Active security modules; '' where securityfs is not mounted. */
  readonly securityModules: string;
  readonly hasBtf: boolean;
  /** Why this user cannot pin anything there (`pinObstacle`); undefined when it can. */
  readonly noPins?: PinObstacle;
}

/** `place`: the directory for pins, which need not exist. */
export function readMachineTexts(place?: string): MachineTexts {
  return {
    status: read('/proc/self/status'),
    mounts: read('/proc/self/mounts'),
    lockdown: read('/sys/kernel/security/lockdown'),
    jit: read('/proc/sys/net/core/bpf_jit_enable'),
    unprivileged: read('/proc/sys/kernel/unprivileged_bpf_disabled'),
    securityModules: (securityModules() ?? []).join(','),
    hasBtf: existsSync('/sys/kernel/btf/vmlinux'),
    ...given({ noPins: place === undefined ? undefined : pinObstacle(place) }),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Probes the machine. Nothing is left behind. Throws nothing: what cannot be tried is `unknown`. `pins`: the directory
 * that this user wants to pin in, which need not exist yet (default: `/sys/fs/bpf`).
 */
export function examine(sys: Sys, { pins = '/sys/fs/bpf' }: { readonly pins?: string } = {}): DoctorReport {
  return examineWith(sys, readMachineTexts(pins));
}

/** The same, for texts that were read before. */
export function examineWith(sys: Sys, texts: MachineTexts): DoctorReport {
  const rights = capabilitiesOf(texts.status);
  const entitled = rights.bpf && rights.netAdmin && rights.perfmon;
  const judge = (findings: readonly Finding[]) =>
    findings.map(found => (entitled ? asRefusal(found) : found));
  return {
    kernel: release(),
    architecture: process.arch,
    environment: environmentFindings(texts),
    features: featureFindings(sys),
    programTypes: judge(
      typeFindings(
        types.PROG_TYPE_COUNT,
        'program-type',
        types.progTypeName,
        type => probeProgramType(sys, type),
        PROGRAM_TYPE_NEEDS,
      ),
    ),
    mapTypes: typeFindings(
      types.MAP_TYPE_COUNT,
      'map-type',
      types.mapTypeName,
      type => probeMapType(sys, type),
      MAP_TYPE_NEEDS,
    ),
    attachments: judge([
      ...LINK_PROBE_NAMES.map(kind =>
        withFix(
          finding(`attach-${kind}`, `attachments to ${LINK_TITLES[kind]}`, probeLink(sys, kind)),
          fixFor(ATTACHMENT_NEEDS, kind),
        ),
      ),
      replacementFinding(probeReplacement(sys)),
    ]),
  };
}

/** "Not permitted" for a process with all privileges is a policy of the kernel, not a missing privilege. */
function asRefusal(found: Finding): Finding {
  if (found.state !== 'unknown' || found.errno !== EPERM) return found;
  return {
    ...found,
    state: 'missing',
    detail: 'this kernel refuses it although the privileges suffice (EPERM)',
    fix:
      found.fix ??
      'a policy of this kernel or of its container; another kernel, or a virtual machine, may allow it',
  };
}

const LINK_TITLES = {
  cgroup: 'cgroups',
  perfEvent: 'perf events',
  tcx: 'tcx',
  netkit: 'netkit',
} as const;

/** What can be read from files: rights, file systems, settings. */
export function environmentFindings(texts: MachineTexts): Finding[] {
  const rights = capabilitiesOf(texts.status);
  return [
    present('cap-bpf', 'CAP_BPF', rights.bpf, 'run as root, or give the process CAP_BPF'),
    present(
      'cap-net-admin',
      'CAP_NET_ADMIN',
      rights.netAdmin,
      'needed for XDP and TC: run as root, or give the process CAP_NET_ADMIN',
    ),
    present('cap-perfmon', 'CAP_PERFMON', rights.perfmon, 'needed for tracing and function replacement'),
    present(
      'btf',
      'types of the kernel',
      texts.hasBtf,
      'needed for CO-RE and kernel functions: a kernel with CONFIG_DEBUG_INFO_BTF=y',
    ),
    bpffsFinding(texts),
    present('jit', 'just-in-time compiler', texts.jit.trim() !== '0', 'sysctl net.core.bpf_jit_enable=1'),
    lockdownFinding(texts.lockdown),
    ...securityFinding(texts.securityModules),
  ];
}

function present(id: string, title: string, there: boolean, fix: string): Finding {
  return there ? { id, title, state: 'ok', detail: '' } : { id, title, state: 'missing', detail: '', fix };
}

function bpffsFinding({ mounts, noPins }: MachineTexts): Finding {
  const [id, title] = ['bpffs', 'bpf file system'];
  if (!hasBpffs(mounts)) return present(id, title, false, `needed for pins: ${MOUNT_BPFFS}`);
  if (noPins === undefined) return present(id, title, true, '');
  return { id, title, state: 'missing', detail: noPins.why, fix: noPins.remedy };
}

function hasBpffs(mounts: string): boolean {
  return mounts.split('\n').some(line => line.split(' ')[2] === 'bpf');
}

/** The word in brackets is in force, as in `none integrity [confidentiality]`. */
function lockdownFinding(text: string): Finding {
  const start = text.indexOf('[');
  const mode = start < 0 ? 'none' : text.slice(start + 1, text.indexOf(']', start));
  const id = 'lockdown';
  const title = 'kernel lockdown';
  if (mode !== 'confidentiality') return { id, title, state: 'ok', detail: mode };
  return {
    id,
    title,
    state: 'missing',
    detail: mode,
    fix: 'programs that read kernel memory are refused; boot without lockdown=confidentiality for tracing',
  };
}

/** Nothing if they cannot be determined. */
function securityFinding(modules: string): Finding[] {
  if (modules === '') return [];
  const names = modules.split(',');
  const fix = `programs on security hooks are attached and never run: boot with lsm=${modules},bpf`;
  return [present('lsm', 'BPF among the security modules', names.includes('bpf'), fix)];
}

function featureFindings(sys: Sys): Finding[] {
  const names = Object.keys(FEATURES) as readonly Feature[]; // the keys of a constant
  return names.map(feature =>
    finding(`feature-${feature}`, feature, probeFeature(sys, feature), `Linux ${FEATURES[feature]}`),
  );
}

function typeFindings(
  count: number,
  prefix: string,
  nameOf: (type: number) => string,
  probe: (type: number) => FeatureAnswer,
  table: ReadonlyMap<string, Needs>,
): Finding[] {
  return Array.from({ length: count - 1 }, (_, index) => {
    const name = nameOf(index + 1);
    return withFix(finding(`${prefix}-${name}`, name, probe(index + 1)), fixFor(table, name));
  });
}

function withFix(found: Finding, fix: string | undefined): Finding {
  return found.state === 'missing' && fix !== undefined ? { ...found, fix } : found;
}

function finding(id: string, title: string, answer: FeatureAnswer, since = ''): Finding {
  switch (answer.state) {
    case 'yes':
      return { id, title, state: 'ok', detail: '' };
    case 'no':
      return { id, title, state: 'missing', detail: '', ...(since === '' ? {} : { fix: `needs ${since}` }) };
    case 'unknown':
      return { id, title, state: 'unknown', detail: answer.reason, errno: answer.errno };
  }
}

function replacementFinding(answer: FeatureAnswer): Finding {
  const found = finding('attach-replacement', 'replacement of functions (freplace)', answer, 'Linux 5.6');
  return found.state === 'ok'
    ? found
    : { ...found, fix: 'chains and slots can use tail calls or re-linking instead' };
}
