/** Pinned maps from C to the kernel: the pins of a linked object are those that its authors wrote, by both loaders. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeU32s, encodeU32s } from '../../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import type { LinkInput } from '../../../src/link/inputs/inputs.ts';
import { type LinkResult, link } from '../../../src/link/link.ts';
import { type RelinkResult, relink } from '../../../src/link/relink.ts';
import { relinkChain } from '../../../src/link/relink-chain.ts';
import { loadObject } from '../../../src/load/load.ts';
import { mountBpffs, packet } from '../../../src/load/testing.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';

const map = (name: string, more = '', entries = 1): string =>
  `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, ${entries}); __type(key, __u32); ` +
  `__type(value, __u32); ${more} } ${name} SEC(".maps");`;
const PINNED = '__uint(pinning, LIBBPF_PIN_BY_NAME);';
const pinned = (name: string): string => map(name, PINNED);
/** Adds `amount` to the first element of a map. */
const bump = (name: string, amount: number): string =>
  `{ __u32 k = 0, *v = bpf_map_lookup_elem(&${name}, &k); if (v) __sync_fetch_and_add(v, ${amount}); }`;
const file = (maps: string, program: string, body: string): string =>
  `#include "case.h"\n${maps}\nPROGRAM ${program}(CONTEXT) { ${body} return -1; }\nLICENSE("GPL");\n`;
const slots = (maps: string, body: string): string =>
  `#include "case.h"\n${maps}
__weak __noinline int one(CONTEXT) { volatile int v = -1; return ctx ? v : 0; }
__weak __noinline int two(CONTEXT) { volatile int v = -1; return ctx ? v : 0; }
PROGRAM root(CONTEXT) { ${body} one(ctx); two(ctx); return 0; }
LICENSE("GPL");
`;
/** A program array whose first element is the program `stage`, which adds 100 to `blocklist`. */
const stages = (stage: string, values: string): string =>
  `${pinned('blocklist')}
int ${stage}(CONTEXT);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); ${PINNED}
  __array(values, int(void *)); } stages SEC(".maps")${values};`;
const inner = (values: string): string =>
  `struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); ${PINNED} };
struct inner table SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32); ${PINNED}
  __array(values, struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); }); }
  outer SEC(".maps")${values};`;
const LOOK =
  '__u32 k = 0; void *m = bpf_map_lookup_elem(&outer, &k); if (m) { __u32 *v = bpf_map_lookup_elem(m, &k); if (v) *v += 7; }';

const SOURCES = {
  rootlet: slots('', ''),
  rootlet_plain: slots(map('blocklist'), bump('blocklist', 50)),
  rootlet_pinned: slots(pinned('blocklist'), bump('blocklist', 50)),
  first: file(pinned('blocklist'), 'first', bump('blocklist', 1)),
  second: file(pinned('blocklist'), 'second', bump('blocklist', 10)),
  plain: file(map('blocklist'), 'plain', bump('blocklist', 1000)),
  prefixes: file(
    pinned('firewall_blocked_v4') + pinned('firewall_blocked_v6'),
    'prefixes',
    bump('firewall_blocked_v4', 4) + bump('firewall_blocked_v6', 6),
  ),
  wide: file(map('blocklist', PINNED, 8), 'wide', bump('blocklist', 1)),
  static_first: file(`static ${pinned('blocklist')}`, 'first', bump('blocklist', 1)),
  static_second: file(`static ${pinned('blocklist')}`, 'second', bump('blocklist', 10)),
  static_plain: file(`static ${map('blocklist')}`, 'plain', bump('blocklist', 1000)),
  with_entries: file(inner(' = { .values = { [0] = &table } }'), 'with_entries', LOOK),
  static_with_entries: file(
    inner(' = { .values = { [0] = &table } }').replace(
      'struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF',
      'static $&',
    ),
    'static_with_entries',
    LOOK,
  ),
  without_entries: file(inner(''), 'without_entries', LOOK),
  other_entries: file(inner(' = { .values = { [1] = &table } }'), 'other_entries', LOOK),
  jump_a: `${file(stages('stage_a', ' = { .values = { (void *)&stage_a } }'), 'jump_a', 'bpf_tail_call(ctx, &stages, 0);')}
PROGRAM stage_a(CONTEXT) ${`{ ${bump('blocklist', 100)} return -1; }`}`,
  jump_b: `${file(stages('stage_b', ' = { .values = { (void *)&stage_b } }'), 'jump_b', 'bpf_tail_call(ctx, &stages, 0);')}
PROGRAM stage_b(CONTEXT) ${`{ ${bump('blocklist', 100)} return -1; }`}`,
};

type Name = keyof typeof SOURCES;
const { sys } = kernelForTests();
const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-pinned-'));
afterAll(() => rmSync(directory, { recursive: true }));
const input = (name: Name): LinkInput => inputFrom(path.join(directory, `${name}.o`));

function bytesOf(result: RelinkResult | LinkResult): Uint8Array {
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return writeObject(result.object);
}

const chain = (...names: readonly Name[]): RelinkResult =>
  relinkChain(
    names.map(name => ({ component: input(name) })),
    { continueOn: ['-1'] },
  );
const filled = (rootlet: Name, one: Name, two?: Name): RelinkResult =>
  relink(input(rootlet), [
    { slot: 'one', component: input(one) },
    ...(two === undefined ? [] : [{ slot: 'two', component: input(two) }]),
  ]);

/** Pins and the first elements of the maps after one packet through `program`, by rootlet's loader. */
function pinsByRootlet(bytes: Uint8Array, program: string): Record<string, number> {
  if (sys === undefined) throw new Error('no kernel');
  const bpffs = mountBpffs();
  try {
    using object = loadObject(readObject({ name: 'linked.o', bytes }), sys, { pinRoot: bpffs.path });
    object.testRun(program, packet());
    const pins = readdirSync(bpffs.path).filter(name => !name.endsWith('.debug')); // the kernel's own
    return Object.fromEntries(
      pins.map(name => [
        name,
        decodeU32s(object.map(name).lookup(encodeU32s([0])) ?? new Uint8Array(4))[0] ?? -1,
      ]),
    );
  } finally {
    bpffs.close();
  }
}

/** The same by bpftool, which is libbpf, in a mount namespace of its own. */
function pinsByLibbpf(bytes: Uint8Array, program: string): Record<string, number> {
  const at = (name: string): string => path.join(directory, name);
  writeFileSync(at('linked.o'), bytes);
  writeFileSync(at('packet'), packet());
  const script = [
    'mount -t bpf bpf /sys/fs/bpf',
    `bpftool prog loadall ${at('linked.o')} /sys/fs/bpf/programs >/dev/null`,
    `bpftool prog run pinned /sys/fs/bpf/programs/${program} data_in ${at('packet')} >/dev/null`,
    'cd /sys/fs/bpf',
    'for pin in $(ls -p | grep -v -e / -e debug); do echo PIN $pin; bpftool -j map lookup pinned $pin key 0 0 0 0; echo; done',
  ].join('\n');
  const output = execFileSync('unshare', ['-m', 'sh', '-e', '-c', script], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const found = [...output.matchAll(/PIN (\S+)\n.*?"value":\["0x(..)","0x(..)"/g)];
  return Object.fromEntries(
    found.map(([, name = '', low = '', high = '']) => [name, Number.parseInt(high + low, 16)]),
  );
}

needs('clang').describe('compiled', () => {
  beforeAll(() => void compileInto(directory, SOURCES));

  needs('root', 'bpf', 'bpftool').describe('pins are those of the authors', () => {
    const cases: readonly (readonly [string, () => RelinkResult, string, Record<string, number>])[] = [
      [
        'one component whose names share 15 characters',
        () => chain('prefixes'),
        'chain',
        { firewall_blocked_v4: 4, firewall_blocked_v6: 6 },
      ],
      ['two components with one pin', () => chain('first', 'second'), 'chain', { blocklist: 11 }],
      ['in the other order', () => chain('second', 'first'), 'chain', { blocklist: 11 }],
      ['beside a private map of the name', () => chain('first', 'plain'), 'chain', { blocklist: 1 }],
      ['after a private map of the name', () => chain('plain', 'first'), 'chain', { blocklist: 1 }],
      ['in slots', () => filled('rootlet', 'first', 'second'), 'root', { blocklist: 11 }],
      ['with the rootlet', () => filled('rootlet_pinned', 'first', 'second'), 'root', { blocklist: 61 }],
      [
        'beside a private map of the rootlet',
        () => filled('rootlet_plain', 'first', 'second'),
        'root',
        { blocklist: 11 },
      ],
      [
        'three of them',
        () => filled('rootlet_pinned', 'plain', 'prefixes'),
        'root',
        { blocklist: 50, firewall_blocked_v4: 4, firewall_blocked_v6: 6 },
      ],
    ];
    test.each(cases)('%s', (_, make, program, pins) => {
      const bytes = bytesOf(make());
      expect(pinsByRootlet(bytes, program)).toEqual(pins);
      expect(pinsByLibbpf(bytes, program)).toEqual(pins);
    });

    test('a map of maps keeps the entries that one of two components gives it, in either order', () => {
      for (const names of [
        ['with_entries', 'without_entries'],
        ['without_entries', 'with_entries'],
        ['without_entries', 'static_with_entries'],
      ] as const) {
        const bytes = bytesOf(chain(...names));
        expect(pinsByRootlet(bytes, 'chain')).toMatchObject({ table: 14 });
        expect(pinsByLibbpf(bytes, 'chain')).toMatchObject({ table: 14 });
      }
    });

    test('a partial result is linked again and put into a slot', () => {
      const partial = bytesOf(link([input('static_first'), input('static_second')], { partial: true }));
      const again = bytesOf(link([{ name: 'partial.o', bytes: partial }]));
      expect(pinsByRootlet(again, 'first')).toEqual({ blocklist: 1 });
      expect(pinsByRootlet(again, 'second')).toEqual({ blocklist: 10 });
      const component = { name: 'partial.o', bytes: partial };
      const slotted = relink(input('rootlet_plain'), [
        { slot: 'one', component, program: 'first' },
        { slot: 'two', component: input('second') },
      ]);
      expect(pinsByLibbpf(bytesOf(slotted), 'root')).toEqual({ blocklist: 11 });
    });

    test.each([
      ['two static ones', ['static_first', 'static_second'], { blocklist: 1 }],
      ['a static and a global one', ['static_first', 'second'], { blocklist: 1 }],
      ['a static one after a private one', ['static_plain', 'static_first'], { blocklist: 1 }],
    ] as const)('link: %s', (_, names, pins) => {
      expect(pinsByRootlet(bytesOf(link(names.map(input))), 'first')).toEqual(pins);
    });
  });

  describe('initial entries', () => {
    test.each([
      [
        'of different places',
        ['with_entries', 'other_entries'],
        [/with_entries\.o: \[0\] = table$/, /other_entries\.o: \[1\] = table$/],
      ],
      [
        'of different programs',
        ['jump_a', 'jump_b'],
        [/jump_a\.o: \[0\] = stage_a$/, /jump_b\.o: \[0\] = stage_b$/],
      ],
    ] as const)('%s are an error', (_, names, shown) => {
      const result = relinkChain(
        names.map(name => ({ component: input(name), program: name })),
        { checkLimits: false },
      );
      expect(!result.ok && result.problems).toMatchObject([
        { code: 'link-map-contents', details: shown.map(text => expect.stringMatching(text)) },
      ]);
    });

    test('that are the same agree', () => {
      const result = chain('with_entries', 'with_entries');
      expect(result.ok).toBe(true);
    });

    test('of a map that is shared on request count as well', () => {
      const result = relinkChain(
        (['jump_a', 'jump_b'] as const).map(name => ({ component: input(name), program: name })),
        { share: ['*'] },
      );
      expect(!result.ok && result.problems.map(({ code }) => code)).toContain('link-map-contents');
    });
  });

  test('libbpf takes equal global maps of two files for duplicates, and so does link', () => {
    const result = link([input('first'), input('second')]);
    expect(!result.ok && result.problems.map(({ code }) => code)).toEqual(['link-duplicate']);
    if (needs('bpftool').reason !== undefined) return;
    const gen = (): string =>
      execFileSync(
        'bpftool',
        [
          'gen',
          'object',
          path.join(directory, 'gen.o'),
          ...['first', 'second'].map(name => path.join(directory, `${name}.o`)),
        ],
        { encoding: 'utf8', stdio: 'pipe' },
      );
    expect(gen).toThrow(/conflicting non-weak symbol/);
  });
});
