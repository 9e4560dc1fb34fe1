/**
 * What a host reports, as data: its record in etcd, with the form in which it is read. States of failures are words of
 * their own, one for each cause that an operator handles in a way of its own.
 */

import { release } from 'node:os';
import type { Problem, ProblemCode } from '../../diag/index.ts';
import { readRecord } from '../desired/index.ts';
import { integer, type JsonShape, list, number, object, otherwise, table, text, word } from '../io/index.ts';

/** Words for states, in the order in which `fleet status` lists them, and what each means. */
export const HOST_STATES = {
  running: 'the hooks are as the revision declares them',
  'no-match': 'no document of the revision is about the host',
  applying: 'a revision is fetched, checked and applied',
  drained: 'the operator drained the host: it runs nothing',
  waiting: 'no revision was assigned yet',
  'registry-away': 'an object cannot be fetched; the last good state runs',
  'digest-mismatch': 'the registry has other contents under a digest; the last good state runs',
  unsigned: 'an object has no signature that the policy of the host accepts; the last good state runs',
  'invalid-document': 'the revision or an object of it is not valid; the last good state runs',
  unsupported: 'the kernel or the interface does not have what the revision needs; the last good state runs',
  'verifier-refused': 'the verifier of the kernel refused a program; the last good state runs',
  'sample-refused': 'packets of the sample of the host would be dropped; the last good state runs',
  older: 'the assigned revision is older than the one that the host has; the newer one runs',
  failed: 'the revision could not be applied for another reason; the last good state runs',
} as const;

/** The state of a host: `running`, `no-match`, `registry-away`, …; docs/fleet.md lists them. */
export type HostState = keyof typeof HOST_STATES;

/** States of a host that has what it was assigned. */
export const GOOD_STATES: ReadonlySet<HostState> = new Set(['running', 'no-match', 'drained', 'waiting']);
/** States that end by themselves. */
export const PASSING_STATES: ReadonlySet<HostState> = new Set(['applying', 'registry-away']);

const STATES: readonly (readonly [HostState, readonly ProblemCode[]])[] = [
  ['registry-away', ['oci-registry']],
  ['digest-mismatch', ['oci-digest']],
  ['unsigned', ['oci-signature', 'oci-policy', 'oci-key']],
  ['verifier-refused', ['kernel-verifier-refused']],
  ['sample-refused', ['fleet-sample']],
  ['older', ['fleet-older']],
  [
    'invalid-document',
    ['fleet-record', 'fleet-member', 'oci-manifest', 'oci-layer', 'oci-size', 'oci-not-found'],
  ],
  [
    'unsupported',
    [
      'load-kernel-too-old',
      'chain-back-end',
      'kernel-no-interface',
      'kernel-no-btf',
      'kernel-no-function',
      'chain-device',
      'store-no-bpffs',
      'kernel-no-rights',
    ],
  ],
];

/** The state of a host where a problem ended a revision. */
export function stateOf({ code, class: kind }: Problem): HostState {
  const found = STATES.find(([, codes]) => codes.includes(code))?.[0];
  if (found !== undefined) return found;
  const isObject = ['chain-document', 'elf', 'btf', 'object', 'link', 'image'].some(word =>
    code.startsWith(`${word}-`),
  );
  return isObject && kind === 'input' ? 'invalid-document' : 'failed';
}

/** A problem as it is reported: bounded. */
export interface ReportedProblem {
  readonly code: string;
  readonly where: readonly string[];
  readonly message: string;
  readonly hint: string;
}

/** What became of one hook. */
export interface ReportedHook {
  /** As in `xdp on eth0`. */
  readonly hook: string;
  readonly action: string;
  readonly members: readonly string[];
}

/** Packets of one hook since the revision was applied, each second; shares of them. */
export interface HookRates {
  readonly hook: string;
  readonly seconds: number;
  readonly packets: number;
  readonly dropped: number;
  readonly aborted: number;
}

/** What a host reports. */
export interface HostStatus {
  readonly host: string;
  readonly state: HostState;
  /** The revision that runs; 0 for none. */
  readonly revision: number;
  /** Of that revision. */
  readonly content: string;
  /** The revision that was tried last; the same when it was good. */
  readonly attempted: number;
  readonly labels: ReadonlyMap<string, string>;
  readonly problems: readonly ReportedProblem[];
  readonly hooks: readonly ReportedHook[];
  readonly rates: readonly HookRates[];
  readonly kernel: string;
  /** When the revision was applied; 0 for none. Milliseconds since 1970, by the clock of the host. */
  readonly applied: number;
  /** When this was reported, by the same clock. */
  readonly time: number;
}

const MOST = { problems: 8, text: 2_000, places: 8, hooks: 64, members: 64 } as const;
const REVISION = integer(0, 9_999_999_999);

const STATUS: JsonShape<HostStatus> = object({
  host: text(128),
  state: word(Object.keys(HOST_STATES) as HostState[]), // the keys are exactly these
  revision: REVISION,
  content: text(80),
  attempted: REVISION,
  labels: table(text(128), 64),
  problems: list(
    object({
      code: text(64),
      where: list(text(MOST.text), MOST.places),
      message: text(MOST.text),
      hint: otherwise(text(MOST.text), ''),
    }),
    MOST.problems,
  ),
  hooks: list(
    object({ hook: text(256), action: text(32), members: list(text(256), MOST.members) }),
    MOST.hooks,
  ),
  rates: list(
    object({
      hook: text(256),
      seconds: number(0, 1e9),
      packets: number(0, 1e15),
      dropped: number(0, 1),
      aborted: number(0, 1),
    }),
    MOST.hooks,
  ),
  kernel: text(128),
  applied: integer(),
  time: integer(),
});

export function readStatus(key: string, value: string): HostStatus {
  return readRecord(key, value, STATUS);
}

export function writeStatus({ labels, ...status }: HostStatus): string {
  return JSON.stringify({ ...status, labels: Object.fromEntries(labels) });
}

export function reported(found: Problem): ReportedProblem {
  const { code, where, message, details = [] } = found;
  // the option that the command has is not one of the agent
  const hint = code === 'chain-foreign' ? FOREIGN : found.hint === undefined ? '' : found.hint;
  const cut = (text: string): string => text.slice(0, MOST.text);
  const whole = details.length === 0 ? message : `${message}\n${details.join('\n')}`;
  return { code, where: where.slice(0, MOST.places).map(cut), message: cut(whole), hint: cut(hint) };
}

const FOREIGN =
  'detach the program on the host ("rootlet xdp unload IFACE --all --force"), or leave the host out by its labels';

export function reportedAll(problems: readonly Problem[]): readonly ReportedProblem[] {
  return problems.slice(0, MOST.problems).map(reported);
}

export function boundedHooks(hooks: readonly ReportedHook[]): readonly ReportedHook[] {
  return hooks.slice(0, MOST.hooks).map(one => ({ ...one, members: one.members.slice(0, MOST.members) }));
}

export function kernelRelease(): string {
  return release();
}
