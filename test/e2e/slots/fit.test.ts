/** Which component fits which slot, by which back end, and with which code the others are refused. No kernel. */

import { describe, expect, test } from 'vitest';
import { RootletError } from '../../../src/diag/problem.ts';
import { requireFitting } from '../../../src/dynamic/fit/fit.ts';
import { componentOf } from '../../../src/dynamic/generation/design.ts';
import type { SlotBackEnd } from '../../../src/dynamic/generation/generation.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { needs } from '../../support/needs.ts';
import { compiled } from '../dynamic/support.ts';

/** Nothing of the kernel's headers: some tests have a `struct xdp_md` of their own. */
const HEAD = `
typedef unsigned int u32; typedef unsigned long long u64;
#define SEC(name) __attribute__((section(name), used))
#define SLOT __attribute__((weak, noinline))
#define CTX __attribute__((btf_decl_tag("arg:ctx")))
SEC("license") char LICENSE[] = "GPL";
`;
const XDP5 = 'struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index; };';
const XDP6 =
  'struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };';
const SKB = 'struct __sk_buff { u32 len, pkt_type; };';
const REGS = 'struct pt_regs { u64 r15, r14; };';
const PAIR = 'struct pair { u32 first, second; };';

/** A rootlet `host` with `slot`, called by a program of a section that takes `context`. */
function host(section: string, context: string, slot: string, types: string): string {
  const more = slot.includes('pair') ? ', &pair' : '';
  return `${HEAD}${types}
${slot.includes('pair') ? 'struct pair pair;' : ''}
SLOT int slot(${slot}) { volatile int r = 2; return r; }
SEC("${section}") int host(${context}) { return slot((void *)ctx${more}); }`;
}

/** A component with one program. */
function part(section: string, prototype: string, types: string, body = 'return 1;'): string {
  return `${HEAD}${types}\nSEC("${section}") ${prototype} { ${body} }`;
}

/** An array with a program in it, and a tail call through it. */
const STAGES = (name: string, context: string): string => `
int ${name}(${context});
struct { int (*type)[3]; int (*max_entries)[1]; int (*key_size)[4]; int (*values[])(void *); } stages SEC(".maps") =
  { .values = { [0] = (void *)&${name} } };
static long (*tail_call)(void *, void *, u32) = (void *)12;`;
const CALL = 'tail_call(ctx, &stages, 0); return 1;';
const ADDR = 'struct bpf_sock_addr { u32 user_family, user_ip4; };';
const SKB_P = 'int p(struct __sk_buff *ctx)';
const ADDR_P = 'int p(struct bpf_sock_addr *ctx)';

type Codes = Readonly<Record<SlotBackEnd, string>>;
const all = (code: string): Codes => ({ ext: code, static: code, tail: code });
const FITS = all('');
const NOT_EXT: Codes = { ext: 'relink-via', static: '', tail: '' };
const NOT_TAIL: Codes = { ext: '', static: '', tail: 'relink-via' };
const ONLY_STATIC: Codes = { ext: 'relink-via', static: '', tail: 'relink-via' };

const XDP = 'struct xdp_md *ctx';
const xdpHost = (slot = XDP, types = XDP6, section = 'xdp') => host(section, XDP, slot, types);

const LONG_HOST = xdpHost().replace('SLOT int', 'SLOT long');

/** What, rootlet, component, code of each back end ('' where it fits). */
type Row = readonly [what: string, rootlet: string, component: string, codes: Codes];

const SLOTS: readonly Row[] = [
  ['the same', xdpHost(), part('xdp', `int p(${XDP})`, XDP6), FITS],
  ['a context of an older header', xdpHost(), part('xdp', `int p(${XDP})`, XDP5), FITS],
  ['a context of a newer header', xdpHost(XDP, XDP5), part('xdp', `int p(${XDP})`, XDP6), FITS],
  ['a context that is only declared', xdpHost(), part('xdp', `int p(${XDP})`, 'struct xdp_md;'), FITS],
  [
    'a context that is not the first parameter',
    xdpHost(`${XDP}, struct pair *pair, struct xdp_md *more`, `${PAIR}${XDP6}`).replace(
      '&pair)',
      '&pair, ctx)',
    ),
    part('xdp', `int p(${XDP}, struct pair *pair, struct xdp_md *more)`, `${PAIR}${XDP5}`),
    all('relink-prototype'),
  ],
  [
    'the context of another type of program',
    xdpHost('struct __sk_buff *skb', `${XDP6}${SKB}`),
    part('xdp', 'int p(struct __sk_buff *skb)', 'struct __sk_buff { u32 len; };'),
    all('relink-prototype'),
  ],
  [
    'a struct that is a context elsewhere alone',
    xdpHost('struct __sk_buff *skb', `${XDP6}${SKB}`),
    part('xdp', 'int p(struct __sk_buff *skb)', SKB),
    NOT_TAIL,
  ],
  ['a context without a name', xdpHost(), part('xdp', 'int p(void *ctx)', ''), FITS],
  ['a context under a name of its own', xdpHost(), part('xdp', 'int p(struct pair *ctx)', PAIR), FITS],
  ['no context', xdpHost(), part('xdp', 'int p(void)', ''), FITS],
  ['a number as context', xdpHost(), part('xdp', 'int p(u64 ctx)', ''), FITS],
  ['a tag instead of the name', xdpHost(), part('xdp', 'int p(void *ctx CTX)', ''), FITS],
  ['the name instead of a tag', xdpHost('void *ctx CTX'), part('xdp', `int p(${XDP})`, XDP5), NOT_EXT],
  [
    'the name of another context instead of a tag',
    xdpHost('void *ctx CTX'),
    part('xdp', 'int p(struct __sk_buff *ctx)', SKB),
    all('relink-prototype'),
  ],
  [
    'another struct with the same members',
    xdpHost(`${XDP}, struct pair *pair`, `${PAIR}${XDP6}`),
    part('xdp', `int p(${XDP}, struct pair *pair)`, `${PAIR}${XDP5}`),
    NOT_TAIL,
  ],
  [
    'swapped members behind a pointer',
    xdpHost(`${XDP}, struct pair *pair`, `${PAIR}${XDP6}`),
    part('xdp', `int p(${XDP}, struct pair *pair)`, `struct pair { u32 second, first; };${XDP6}`),
    all('relink-prototype'),
  ],
  [
    'another signedness behind a pointer, through a typedef',
    xdpHost(`${XDP}, struct pair *pair`, `${PAIR}${XDP6}`),
    part(
      'xdp',
      `int p(${XDP}, struct pair *pair)`,
      `typedef int number; struct pair { number first; u32 second; };${XDP6}`,
    ),
    all('relink-prototype'),
  ],
  [
    'the same members through another typedef',
    xdpHost(`${XDP}, struct pair *pair`, `${PAIR}${XDP6}`),
    part(
      'xdp',
      `int p(${XDP}, struct pair *pair)`,
      `typedef u32 number; struct pair { number first, second; };${XDP6}`,
    ),
    NOT_TAIL,
  ],
  ['another result', xdpHost(), part('xdp', `long p(${XDP})`, XDP6), FITS],
  ['a short result', xdpHost(), part('xdp', `short p(${XDP})`, XDP6), FITS],
  ['a result without sign', xdpHost(), part('xdp', `u32 p(${XDP})`, XDP6), FITS],
  [
    'an enum as result',
    xdpHost(),
    part('xdp', `enum e p(${XDP})`, `${XDP6} enum e { A, B };`, 'return B;'),
    FITS,
  ],
  [
    'an enum as result of the slot',
    xdpHost(XDP, `${XDP6} enum e { A, B };`).replace('SLOT int', 'SLOT enum e'),
    part('xdp', `int p(${XDP})`, XDP6),
    FITS,
  ],
  ['no result', xdpHost(), part('xdp', `void p(${XDP})`, XDP6, ''), NOT_EXT],
  [
    'a pointer as result',
    xdpHost(),
    part('xdp', `void *p(${XDP})`, XDP6, 'return 0;'),
    all('relink-prototype'),
  ],
  [
    'a slot of 64 bits keeps the rules of C',
    LONG_HOST,
    part('xdp', `int p(${XDP})`, XDP6),
    all('relink-prototype'),
  ],
  ['another parameter', xdpHost(), part('xdp', `int p(${XDP}, int more)`, XDP6), all('relink-prototype')],
  [
    'another program type',
    xdpHost(),
    part('tc', 'int p(struct __sk_buff *skb)', SKB),
    all('relink-prototype'),
  ],
  [
    'another program type with the same prototype',
    host('cgroup/skb', 'struct __sk_buff *ctx', 'struct __sk_buff *ctx', SKB),
    part('tc', 'int p(struct __sk_buff *skb)', SKB),
    all('relink-program-type'),
  ],
  [
    'another attach type',
    host('cgroup_skb/ingress', 'struct __sk_buff *ctx', 'struct __sk_buff *ctx', SKB),
    part('cgroup_skb/egress', 'int p(struct __sk_buff *skb)', SKB),
    all('relink-program-type'),
  ],
  [
    'a section that fixes no attach type',
    host('tcx/ingress', 'struct __sk_buff *ctx', 'struct __sk_buff *ctx', SKB),
    part('tc', 'int p(struct __sk_buff *skb)', SKB),
    FITS,
  ],
  [
    'fragments that it does not take',
    xdpHost(XDP, XDP6, 'xdp.frags'),
    part('xdp', `int p(${XDP})`, XDP6),
    all('relink-frags'),
  ],
  [
    'an array that contains the program itself',
    xdpHost(),
    part('xdp', `int p(${XDP})`, `${XDP6}${STAGES('p', XDP)}`, CALL),
    { ext: 'relink-via', static: 'relink-via', tail: '' },
  ],
  [
    'an array that holds another program',
    xdpHost(),
    part('xdp', `int p(${XDP})`, `${XDP6}${STAGES('stage', XDP)}`, CALL) +
      `SEC("xdp") int stage(${XDP}) { return 1; }`,
    FITS,
  ],
  [
    'an array of programs that have an attach type',
    host('cgroup_skb/egress', 'struct __sk_buff *ctx', 'struct __sk_buff *ctx', SKB),
    part('cgroup_skb/egress', SKB_P, `${SKB}${STAGES('stage', 'struct __sk_buff *ctx')}`, CALL) +
      'SEC("cgroup_skb/egress") int stage(struct __sk_buff *ctx) { return 1; }',
    FITS,
  ],
  [
    'an array of programs that must have an attach type',
    host('cgroup/connect4', 'struct bpf_sock_addr *ctx', 'struct bpf_sock_addr *ctx', ADDR),
    part('cgroup/connect4', ADDR_P, `${ADDR}${STAGES('stage', 'struct bpf_sock_addr *ctx')}`, CALL) +
      'SEC("cgroup/connect4") int stage(struct bpf_sock_addr *ctx) { return 1; }',
    NOT_EXT,
  ],
  ['fragments that do not come', xdpHost(), part('xdp.frags', `int p(${XDP})`, XDP6), FITS],
  ...tracingSlots(),
  ...effects(),
];

function tracingSlots(): readonly Row[] {
  const EVENT = 'struct event { u64 pad; int value; };';
  const tracepoint = host('tracepoint/a/b', 'struct event *ctx', 'void *ctx CTX', EVENT);
  const untagged = host('tracepoint/a/b', 'struct event *ctx', 'void *ctx', EVENT);
  const kprobe = (slot: string) => host('kprobe/f', 'struct pt_regs *ctx', slot, REGS);
  const raw = host(
    'raw_tp/x',
    'struct bpf_raw_tracepoint_args *ctx',
    'void *ctx CTX',
    'struct bpf_raw_tracepoint_args { u64 args[0]; };',
  );
  return [
    ['a tracepoint slot', tracepoint, part('tracepoint/c/d', 'int p(struct event *ctx)', EVENT), NOT_EXT],
    [
      'a tracepoint slot, another event',
      tracepoint,
      part('tp/c/d', 'int p(struct other *ctx)', 'struct other { int a; };'),
      NOT_EXT,
    ],
    ['a tracepoint slot, void *', tracepoint, part('tracepoint', 'int p(void *ctx)', ''), NOT_EXT],
    ['a tracepoint slot, a number', tracepoint, part('tracepoint', 'int p(u64 ctx)', ''), NOT_EXT],
    ['a tracepoint slot without tag', untagged, part('tracepoint', 'int p(void *ctx)', ''), ONLY_STATIC],
    [
      'a kprobe slot',
      kprobe('struct pt_regs *ctx'),
      part('kprobe', 'int p(struct pt_regs *ctx)', REGS),
      FITS,
    ],
    [
      'registers of another kernel',
      kprobe('struct pt_regs *ctx'),
      part('kprobe', 'int p(struct pt_regs *ctx)', 'struct pt_regs { u64 r15; };'),
      FITS,
    ],
    [
      'a typedef of registers',
      kprobe('struct pt_regs *ctx'),
      part('kprobe', 'int p(bpf_user_pt_regs_t *ctx)', `${REGS} typedef struct pt_regs bpf_user_pt_regs_t;`),
      FITS,
    ],
    ['a tag for registers', kprobe('struct pt_regs *ctx'), part('kprobe', 'int p(void *ctx CTX)', ''), FITS],
    [
      'registers for a tag',
      kprobe('void *ctx CTX'),
      part('kprobe', 'int p(struct pt_regs *ctx)', REGS),
      NOT_EXT,
    ],
    ['a raw tracepoint slot', raw, part('raw_tp', 'int p(u64 *ctx)', ''), NOT_EXT],
    [
      'a perf event slot',
      host(
        'perf_event',
        'struct bpf_perf_event_data *ctx',
        'void *ctx CTX',
        'struct bpf_perf_event_data { u64 a; };',
      ),
      part('perf_event', 'int p(struct pt_regs *ctx)', REGS),
      NOT_EXT,
    ],
  ];
}

function effects(): readonly Row[] {
  const EFFECTS = `
static long (*adjust)(struct xdp_md *, int) = (void *)65;
static long (*copy)(void *, u32, const void *) = (void *)148;`;
  const uprobe = (section: string) => host(section, 'struct pt_regs *ctx', 'struct pt_regs *ctx', REGS);
  const sleeping = part(
    'uprobe.s',
    'int p(struct pt_regs *ctx)',
    `${REGS}struct xdp_md;${EFFECTS}`,
    'long v = 0; copy(&v, 8, 0); return v;',
  );
  return [
    [
      'packets are changed',
      xdpHost(),
      part('xdp', `int p(${XDP})`, `${XDP6}${EFFECTS}`, 'return adjust(ctx, 1);'),
      FITS,
    ],
    ['it sleeps, and the rootlet may not', uprobe('uprobe'), sleeping, all('relink-program-type')],
    ['it sleeps, and so may the rootlet', uprobe('uprobe.s'), sleeping, ONLY_STATIC],
  ];
}

const instead = (codes: string): Codes => ({ ext: codes, static: codes, tail: codes });
const BY_KIND: Codes = { ext: 'relink-via', static: '', tail: 'relink-via' };

/** The same in the place of the rootlet's program. */
const INSTEAD: readonly Row[] = [
  ['the same', xdpHost(), part('xdp', `int p(${XDP})`, XDP6), NOT_TAIL],
  ['an older header', xdpHost(), part('xdp', `int p(${XDP})`, XDP5), NOT_TAIL],
  ['a context without a name', xdpHost(), part('xdp', 'int p(void *ctx)', ''), BY_KIND],
  ['a struct of its own', xdpHost(), part('xdp', 'int p(struct pair *ctx)', PAIR), BY_KIND],
  ['no parameter', xdpHost(), part('xdp', 'int p(void)', ''), BY_KIND],
  ['an enum', xdpHost(), part('xdp', `enum e p(${XDP})`, `${XDP6} enum e { A, B };`, 'return B;'), BY_KIND],
  ['a long', xdpHost(), part('xdp', `long p(${XDP})`, XDP6), BY_KIND],
  ['a short', xdpHost(), part('xdp', `short p(${XDP})`, XDP6), BY_KIND],
  [
    'a typedef',
    xdpHost(),
    part('xdp', `verdict p(${XDP})`, `${XDP6} typedef unsigned char verdict;`),
    BY_KIND,
  ],
  ['a pointer', xdpHost(), part('xdp', `void *p(${XDP})`, XDP6, 'return 0;'), instead('relink-prototype')],
  ['two parameters', xdpHost(), part('xdp', `int p(${XDP}, int more)`, XDP6), instead('relink-prototype')],
  ['a number as context', xdpHost(), part('xdp', 'int p(u64 ctx)', ''), BY_KIND],
  [
    'the context of another type',
    xdpHost(),
    part('xdp', 'int p(struct __sk_buff *c)', SKB),
    instead('relink-prototype'),
  ],
  [
    'another type',
    xdpHost(),
    part('tc', 'int p(struct __sk_buff *skb)', SKB),
    instead('relink-program-type'),
  ],
  [
    'another attach type',
    host('cgroup_skb/ingress', 'struct __sk_buff *ctx', 'struct __sk_buff *ctx', SKB),
    part('cgroup_skb/egress', 'int p(struct __sk_buff *skb)', SKB),
    instead('relink-program-type'),
  ],
  ['a map of devices', xdpHost(), part('xdp/devmap', `int p(${XDP})`, XDP6), instead('relink-program-type')],
  ['fragments', xdpHost(XDP, XDP6, 'xdp.frags'), part('xdp', `int p(${XDP})`, XDP6), instead('relink-frags')],
];

const clang = needs('clang');

/** Every source once. */
function compileRows(rows: readonly Row[]): Map<string, BpfObject> {
  const sources = [...new Set(rows.flatMap(([, rootlet, component]) => [rootlet, component]))];
  const objects = compiled(Object.fromEntries(sources.map((text, at) => [`o${at}`, text])));
  return new Map(sources.map((text, at) => [text, objects[`o${at}`] as BpfObject])); // one for each source
}

/** Codes of the problems of one component in one place, joined. */
function codesOf(rootlet: BpfObject, object: BpfObject, slot: string, via: SlotBackEnd): string {
  const file = new InputObject({ name: object.name, bytes: new Uint8Array(0) }, object);
  const staged = object.symbols.some(({ name }) => name === 'stage');
  const fill = { slot, file, component: 'part', ...(staged ? { program: 'p' } : {}) };
  try {
    requireFitting(rootlet, [{ object, fills: [fill] }], 'host', via);
    return '';
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    for (const { where, class: kind } of error.problems) {
      expect(where).not.toEqual([]);
      expect(kind).toBe('input');
    }
    return error.problems.map(({ code }) => code).join(' ');
  }
}

clang.describe('fitting', () => {
  const objects = clang.reason === undefined ? compileRows([...SLOTS, ...INSTEAD]) : new Map();
  const objectOf = (text: string): BpfObject => {
    const object = objects.get(text);
    if (object === undefined) throw new Error('not compiled');
    return object;
  };
  const check = ([, rootlet, component, codes]: Row, slot: string): void => {
    const found = (['ext', 'static', 'tail'] as const).map(
      via => [via, codesOf(objectOf(rootlet), objectOf(component), slot, via)] as const,
    );
    expect(Object.fromEntries(found)).toEqual(codes);
  };

  describe('into a slot', () => {
    test.each(SLOTS.map(row => [row[0], row] as const))('%s', (_, row) => check(row, 'slot'));
  });

  describe('in the place of the program', () => {
    test.each(INSTEAD.map(row => [row[0], row] as const))('%s', (_, row) => check(row, 'host'));
  });

  test('all problems at once, and a name that is nearly right', () => {
    const rootlet = objectOf(LONG_HOST);
    const component = objectOf(part('xdp', `int p(${XDP})`, XDP6));
    const file = new InputObject({ name: component.name, bytes: new Uint8Array(0) }, component);
    const fills = ['slots', 'slot', 'host'].map(slot => ({ slot, file, component: 'part' }));
    const attempt = () => requireFitting(rootlet, [{ object: component, fills }], 'host', 'tail');
    expect(attempt).toThrow(RootletError);
    try {
      attempt();
    } catch (error) {
      const { problems } = error as RootletError; // the line above says so
      expect(problems.map(({ code }) => code)).toEqual(['relink-no-slot', 'relink-prototype', 'relink-via']);
      expect(problems[0]?.hint).toBe('did you mean "slot"?');
      expect(problems[0]?.message).toContain('there are: "slot", "host"');
      expect(problems[2]?.message).toContain(componentOf({ slot: 'host', file, component: 'part' }));
    }
  });
});
