/**
 * A generated chain adds no rules of its own: license, section and verdicts that continue follow from its
 * members, and what they lose is reported.
 */

import { describe, expect, test } from 'vitest';
import { callHelper, EXIT, move } from '../../../src/isa/assemble.ts';
import { encodeInsns } from '../../../src/isa/opcodes.ts';
import { loadProgram } from '../../../src/kernel/objects/program.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { GPL_HELPERS } from '../../../src/link/passes/gpl-only.ts';
import type { RelinkResult } from '../../../src/link/relink.ts';
import { relink } from '../../../src/link/relink.ts';
import { type ChainRelinkOptions, relinkChain } from '../../../src/link/relink-chain.ts';
import { loadObject } from '../../../src/load/load.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { licenseOf } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import * as uapi from '../../../src/uapi/index.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { leftOut, needs } from '../../support/needs.ts';
import { compiled } from '../dynamic/support.ts';

const { sys } = kernelForTests();
const clang = needs('clang');
const HEAD = '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n';
const GPL = 'char _license[] SEC("license") = "GPL";';
const licensed = (text: string | null): string =>
  text === null ? '' : `char _license[] SEC("license") = "${text}";`;
const returning = (section: string, value: number, more = ''): string =>
  `${HEAD}${more}\nSEC("${section}") int prog(void *ctx) { return ${value}; }\n${GPL}`;

const LICENSES = {
  gpl: 'GPL',
  gpl2: 'GPL v2',
  dual: 'Dual MIT/GPL',
  apache: 'Apache-2.0',
  mit: 'MIT',
  empty: '',
  none: null,
} as const;
const config = (members: string): string => `struct { ${members} } _prog SEC(".xdp_run_config");`;

const SOURCES = {
  ...Object.fromEntries(
    Object.entries(LICENSES).map(([name, text]) => [
      name,
      `${HEAD}SEC("xdp") int prog(struct xdp_md *ctx) { return XDP_PASS; }\n${licensed(text)}`,
    ]),
  ),
  fib: `${HEAD}SEC("xdp") int prog(struct xdp_md *ctx) { struct bpf_fib_lookup p = {}; return bpf_fib_lookup(ctx, &p, sizeof(p), 0) == 0; }\n${licensed('MIT')}`,
  clock: `${HEAD}SEC("xdp") int prog(struct xdp_md *ctx) { return bpf_ktime_get_ns() == 0; }\n${licensed('MIT')}`,
  plain: returning('xdp', 2),
  maybe: returning('?xdp', 2),
  jumbo: returning('xdp.frags', 2),
  maybeJumbo: returning('?xdp.frags', 2),
  devmap: returning('xdp/devmap', 2),
  tc: returning('tc', -1),
  tcx: returning('tcx/ingress', -1),
  egress: returning('?tcx/egress', -1),
  lookup: returning('sk_lookup', 1),
  message: returning('sk_msg', 1),
  parser: returning('sk_skb/stream_parser', 14),
  early: returning('xdp', 1, config('__uint(priority, 10); __uint(XDP_DROP, 1);')),
  stops: returning('xdp', 2, config('__uint(XDP_PASS, 0);')),
  odd: returning('xdp', 2, config('__uint(priority, 60); __uint(XDP_WHATEVER, 1);')),
  tx: returning('xdp', 3),
  throwing: `${HEAD}extern void bpf_throw(__u64 cookie) __ksym;
__noinline static int check(struct xdp_md *ctx) { if (ctx->ingress_ifindex < 9) bpf_throw(1); return 2; }
SEC("xdp") int prog(struct xdp_md *ctx) { return check(ctx); }
${GPL}`,
  host: `${HEAD}__weak __noinline int slot(struct xdp_md *ctx) { volatile int r = 2; return ctx ? r : 0; }
SEC("xdp") int host(struct xdp_md *ctx) { return slot(ctx); }\n${GPL}`,
};

/** Types whose programs have nearly all helpers between them, and load without a target. */
const PROBED = [
  uapi.BPF_PROG_TYPE_KPROBE,
  uapi.BPF_PROG_TYPE_SCHED_CLS,
  uapi.BPF_PROG_TYPE_XDP,
  uapi.BPF_PROG_TYPE_PERF_EVENT,
];

/** Whether the kernel takes a helper from GPL-compatible programs only. */
function isGplOnly(helper: number): boolean {
  const code = encodeInsns([callHelper(helper), move(0, 0), EXIT], 'little');
  return PROBED.some(type => {
    if (sys === undefined) return false;
    const result = loadProgram(sys, { name: 'probe', type, code, license: 'MIT' });
    if (result.kind === 'loaded') result.fd.close();
    return result.kind === 'refused' && /GPL/.test(result.log);
  });
}

clang.describe('neutral chains', () => {
  const objects: Readonly<Record<string, BpfObject>> = clang.reason === undefined ? compiled(SOURCES) : {};
  const objectOf = (name: string): BpfObject => {
    const object = objects[name];
    if (object === undefined) throw new Error(`${name} was not compiled`);
    return object;
  };
  const chain = (names: readonly string[], options: ChainRelinkOptions = {}): RelinkResult =>
    relinkChain(
      names.map(name => ({ component: objectOf(name) })),
      options,
    );
  const made = (names: readonly string[], options: ChainRelinkOptions = {}) => {
    const result = chain(names, options);
    if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
    const object = readObject({ name: 'chain.o', bytes: writeObject(result.object) });
    return { object, notes: result.report.notes, section: object.sections[0]?.name };
  };
  const problemsOf = (result: RelinkResult) =>
    result.ok ? [] : result.problems.map(({ code, where, message }) => [code, where.join(': '), message]);

  describe('license', () => {
    test.each(Object.entries(LICENSES))('%s alone, and twice', (name, text) => {
      for (const names of [[name], [name, name]]) {
        const { object, notes } = made(names);
        expect(licenseOf(object)).toBe(text);
        expect(notes).toEqual([]);
        if (sys !== undefined) loadObject(object, sys).close();
      }
    });

    test.each([
      [['gpl', 'dual'], 'GPL', ['GPL-compatible licenses combined as "GPL": "GPL", "Dual MIT/GPL"']],
      [['none', 'mit'], 'MIT', ['none.o states no license: its code is under "MIT" in the result']],
    ])('of %j: %s', (names, license, notes) => {
      expect(licenseOf(made(names).object)).toBe(license);
      expect(made(names).notes).toEqual(notes);
    });

    test.each([
      ['mit', 'gpl'],
      ['gpl', 'mit'],
      ['apache', 'mit'],
      ['empty', 'gpl2'],
    ])('%s and %s do not fit: both files are named', (first, second) => {
      const [problem, ...others] = problemsOf(chain([first, second]));
      expect(others).toEqual([]);
      expect(problem?.slice(0, 2)).toEqual(['link-license', `${second}.o`]);
      expect(problem?.[2]).toMatch(new RegExp(`of ${first}\\.o$`));
    });

    test.each(['mit', 'none'])('of the result is what is given (%s)', name => {
      const { object, notes } = made([name, 'gpl'], { license: 'GPL' });
      expect(licenseOf(object)).toBe('GPL');
      expect(notes).toEqual(
        name === 'mit'
          ? ['the license is "GPL", as given, instead of "MIT" (mit.o)']
          : ['none.o states no license: its code is under "GPL" in the result'],
      );
      expect(licenseOf(made(['none', 'none'], { license: 'MIT' }).object)).toBe('MIT');
    });

    test('GPL-only helpers need one', () => {
      expect(problemsOf(chain(['fib'])).map(([code]) => code)).toEqual(['relink-gpl-helper']);
      expect(problemsOf(chain(['clock']))).toEqual([]);
      expect(problemsOf(chain(['fib'], { license: 'GPL' }))).toEqual([]);
    });

    needs('bpf').test('GPL-only helpers are those of the kernel', () => {
      if (sys === undefined) return;
      const unknown = [36, 58, 111, 121, 126, 127, 150]; // tracing only, or locked down
      const refused = Array.from({ length: 211 }, (_, at) => at + 1).filter(helper => isGplOnly(helper));
      expect([...refused, ...unknown].sort((a, b) => a - b)).toEqual([...GPL_HELPERS].sort((a, b) => a - b));
    });
  });

  describe('section', () => {
    test.each([
      [['maybe', 'plain'], 'xdp', []],
      [['plain', 'maybe'], 'xdp', []],
      [['maybe'], 'xdp', []],
      [['maybeJumbo', 'jumbo'], 'xdp.frags', []],
      [['jumbo', 'plain'], 'xdp', ['the chain is not xdp.frags, because "prog" of plain.o is not']],
      [['maybe', 'maybeJumbo'], 'xdp', ['the chain is not xdp.frags, because "prog" of maybe.o is not']],
      [['tc', 'tcx'], 'tcx/ingress', []],
      [['tcx', 'tc'], 'tcx/ingress', []],
      [
        ['tcx', 'egress'],
        'tcx/ingress',
        ['"prog" of egress.o is in section "?tcx/egress"; the chain is "tcx/ingress", as "prog" of tcx.o'],
      ],
      [['lookup', 'lookup'], 'sk_lookup', []],
      [['message', 'message'], 'sk_msg', []],
    ])('of %j: %s', (names, section, notes) => {
      const { object, notes: own, section: chosen } = made(names);
      expect([chosen, own]).toEqual([section, notes]);
      if (sys === undefined) return leftOut('bpf');
      using loaded = loadObject(object, sys);
      expect([...loaded.programs.keys()]).toEqual(['chain']);
    });

    test('a stream parser returns no verdict', () => {
      expect(problemsOf(chain(['parser', 'parser'])).map(([code]) => code)).toEqual(['chain-verdict']);
      expect(made(['parser', 'parser'], { continueOn: ['14'] }).section).toBe('sk_skb/stream_parser');
      expect(made(['parser']).section).toBe('sk_skb/stream_parser');
    });
  });

  describe('run configuration', () => {
    const verdict = (object: BpfObject): number => createMachine(object).run(new Uint8Array(64)).verdict;
    const lost = 'the chain has no priority of .xdp_run_config: "prog" of early.o (10); for libxdp it is 50';

    test('gives the verdicts that continue, unless others are given', () => {
      const own = made(['early', 'tx']);
      expect(verdict(own.object)).toBe(3);
      expect(own.notes).toEqual([
        '"prog" of early.o continues after DROP, PASS, as its .xdp_run_config states',
        lost,
      ]);
      const given = made(['early', 'tx'], { continueOn: ['pass'] });
      expect(verdict(given.object)).toBe(1);
      expect(given.notes[0]).toMatch(/^\.xdp_run_config of "prog" of early\.o .* is not used/);
    });

    test('edits the default: PASS is taken away only by name', () => {
      expect(verdict(made(['stops', 'tx']).object)).toBe(2);
    });

    test('that orders otherwise, or has other settings, is reported', () => {
      expect(made(['plain', 'early', 'odd']).notes).toEqual([
        '"prog" of early.o continues after DROP, PASS, as its .xdp_run_config states',
        '.xdp_run_config of "prog" of odd.o: not used: "XDP_WHATEVER"',
        'the priorities of .xdp_run_config order the programs otherwise: "prog" of early.o (10), "prog" of plain.o (50), "prog" of odd.o (60); the chain has the order as given',
        'the chain has no priority of .xdp_run_config: "prog" of early.o (10), "prog" of odd.o (60); for libxdp it is 50',
      ]);
    });

    test('is not used in slots of other rootlets', () => {
      const result = relink(objectOf('host'), [{ slot: 'slot', component: objectOf('early') }]);
      expect(result.ok && result.report.notes).toEqual([
        '.xdp_run_config of "prog" of early.o is not used: the rootlet decides',
      ]);
    });
  });

  describe('exceptions', () => {
    test('end the chain: only the last component may throw', () => {
      expect(problemsOf(chain(['throwing', 'plain'])).map(([code, where]) => [code, where])).toEqual([
        ['chain-throw', 'throwing.o: program "prog"'],
      ]);
      expect(problemsOf(chain(['plain', 'throwing']))).toEqual([]);
      expect(problemsOf(chain(['plain', 'throwing'], { final: 'drop' })).map(([code]) => code)).toEqual([
        'chain-throw',
      ]);
    });

    test('in slots of other rootlets are reported', () => {
      const result = relink(objectOf('host'), [{ slot: 'slot', component: objectOf('throwing') }]);
      expect(result.ok && result.report.notes).toEqual([
        'throwing.o: "check" in slot "slot" calls bpf_throw, which ends the program of the rootlet as a whole',
      ]);
    });
  });
});
