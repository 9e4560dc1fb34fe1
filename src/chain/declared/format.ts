/**
 * The format of documents that declare chains: the one table from which both their validation and the published
 * JSON schema follow.
 */

import { quote } from '../../diag/index.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/index.ts';
import {
  type At,
  describe,
  flag,
  integer,
  type JsonSchema,
  list,
  named,
  oneOrMore,
  optional,
  record,
  refuse,
  required,
  type Shape,
  table,
  text,
  word,
} from './shape.ts';
import { variableValue } from './value-shape.ts';
import { verdict } from './verdict-shape.ts';
import type { YamlNode } from './yaml.ts';

/** Words for hooks in documents. */
export const HOOK_WORDS = ['xdp', 'tc ingress', 'tc egress'] as const;
export type HookWord = (typeof HOOK_WORDS)[number];

const MAX_U32 = 0xffff_ffff;
const MAX_S32 = 0x7fff_ffff;

const FILE = text('the path of an object file', '^[^\\u0000]+$');
/** Also alternative names, which are longer than names of interfaces. */
const INTERFACE = text('the name of an interface', '^(?!\\.{1,2}$)[^\\s/\\u0000]{1,127}$');
const NAME = text(
  'a name of at most 100 characters without spaces and % : @ , = /',
  '^[^\\s%:@,=/\\p{C}]{1,100}$',
);
const FUNCTION = text('the name of a function', '^[A-Za-z_][A-Za-z0-9_.$]*$');
const PROGRAM = text('the name of a program', '^[A-Za-z_][A-Za-z0-9_.$]*$');

function member(verdicts: Shape<string>) {
  return record('a member', {
    file: required(FILE, 'Object file. A relative path starts at the directory of the document.'),
    name: optional(NAME, 'Name in the chain. Default: the name of the file up to its first dot.'),
    program: optional(PROGRAM, 'Program of the file. Default: its only program for the hook.'),
    priority: optional(
      integer(0, MAX_U32),
      'Lower values run earlier. Default: the priority in .xdp_run_config of the file, else 50.',
    ),
    on: optional(
      list(verdicts, 'on: [pass]'),
      'Verdicts after which the next member runs. Default: those in .xdp_run_config of the file, else the rule of the hook.',
    ),
    set: optional(
      table(variableValue, 'set: { port: 443 }'),
      'Values of variables and constants, by name, or SECTION:NAME where several have one name.',
    ),
    maxEntries: optional(
      table(integer(1, MAX_U32), 'maxEntries: { flows: 4096 }'),
      'Number of entries of maps, by name.',
    ),
  });
}

const MEMBERS = 'All members of the chain: members that are not declared are removed.';
const HOOK = 'Hook of the interface.';
const INTERFACE_TEXT = 'Name of the interface, in the network namespace of the command.';
const VIA = 'How the chain is built. Default: as it is built now, else what the kernel offers.';
const FAIL_CLOSED = 'Whether a member that is lost drops packets instead of passing them. Default: false.';
const COUNTERS =
  'Whether members are built with counters, which cost next to nothing while they are off. Default: true.';

const OPTIMIZE =
  '0: programs are loaded as they are. 1: they are optimized as far as the verifier accepts it. Default: 1.';
const NO_INLINE = 'Functions that stay functions, because something attaches to them.';
const VERIFY_BUDGET =
  'Whether programs are optimized less where the verifier processes more instructions than 1.2 times those without optimization plus 100. Default: false.';

/** How programs are optimized. */
const OPTIMIZATION = {
  optimize: optional(integer(0, 1), OPTIMIZE),
  noInline: optional(list(FUNCTION, 'noInline: [parse]'), NO_INLINE),
  verifyBudget: optional(flag(), VERIFY_BUDGET),
};

const LABEL_NAME = '^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$';
const LABEL_VALUE = text(
  'a value of a label, * for any, or ! and one of them for any other',
  '^!?(\\*|[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)$',
);

/** Which hosts of a fleet a document is about: values of labels by name. */
export type HostSelector = ReadonlyMap<string, readonly string[]>;

/** For hosts of a fleet; `rootlet apply` is about its own host. */
const HOSTS = {
  hosts: optional(
    named(
      table(oneOrMore(LABEL_VALUE, 'role: [edge, core]'), 'hosts: { role: edge }'),
      LABEL_NAME,
      'a name of a label',
    ),
    'Of a fleet: labels of the hosts that have the chain, each with a value or several. Default: all hosts.',
  ),
};

const XDP = record('a document of an XDP hook', {
  hook: required(word(['xdp']), HOOK),
  interface: required(INTERFACE, INTERFACE_TEXT),
  ...HOSTS,
  mode: optional(
    word(['native', 'generic', 'offload', 'skb', 'hw']),
    'Mode of XDP; skb is generic, hw is offload. Default: the mode that it has now, else what the kernel chooses.',
  ),
  via: optional(word(['static', 'libxdp']), VIA),
  failClosed: optional(flag(), FAIL_CLOSED),
  counters: optional(flag(), COUNTERS),
  ...OPTIMIZATION,
  members: required(list(member(verdict(BPF_PROG_TYPE_XDP, 0, 30)), 'members: []'), MEMBERS),
});

const TC = record('a document of a TC hook', {
  hook: required(word(['tc ingress', 'tc egress']), HOOK),
  interface: required(INTERFACE, INTERFACE_TEXT),
  ...HOSTS,
  via: optional(word(['static', 'tcx']), VIA),
  failClosed: optional(flag(), FAIL_CLOSED),
  counters: optional(flag(), COUNTERS),
  ...OPTIMIZATION,
  members: required(list(member(verdict(BPF_PROG_TYPE_SCHED_CLS, -1, MAX_S32)), 'members: []'), MEMBERS),
});

type ReadOf<S> = S extends Shape<infer T> ? T : never;
export type XdpDocument = ReadOf<typeof XDP>;
export type TcDocument = ReadOf<typeof TC>;
export type MemberDocument = XdpDocument['members'][number];

/** One document. Its hook decides which keys and verdicts it has. */
export const DOCUMENT: Shape<XdpDocument | TcDocument> = {
  schema: { oneOf: [XDP.schema, TC.schema] },
  read(node: YamlNode, at: At) {
    if (node.kind !== 'record') return refuse(node, at, 'a document of a hook', EXAMPLE);
    const hook = node.entries.find(({ key }) => key === 'hook')?.value;
    const named = hook?.kind === 'scalar' ? HOOK_WORDS.find(one => one === hook.value) : undefined;
    if (named !== undefined) return named === 'xdp' ? XDP.read(node, at) : TC.read(node, at);
    if (hook === undefined) return XDP.read(node, at);
    const problems = { ...at, path: 'hook' };
    if (describe(hook) === quote('tc')) refuse(hook, problems, 'a hook', 'write "tc ingress" or "tc egress"');
    else word(HOOK_WORDS).read(hook, problems);
    return undefined;
  },
};

const EXAMPLE = 'as in { hook: xdp, interface: eth0, members: [] }';

/** The published schema: JSON Schema, draft 7, which editors know best. */
export function documentSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Chain of programs on a hook of an interface (rootlet plan, apply, export)',
    description: 'One document of a YAML file; a file has one document for each hook.',
    ...DOCUMENT.schema,
  };
}
