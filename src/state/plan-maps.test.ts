/**
 * The planner as a table: maps, arrays of programs and maps of maps with contents, and maps that are pinned
 * by name.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { mountBpffs } from '../load/testing.ts';
import type { BpfObject } from '../object/model/model.ts';
import {
  compileTexts,
  decide,
  describeDecision,
  fresh,
  type Policy,
  type Row,
  run,
  testRows,
  textsOf,
  unchanged,
  withProgram,
} from './testing.ts';

// --- maps ---------------------------------------------------------------------------------------------------------

/** A map `m`. */
const map = (type: string, key: string, value: string, entries = 4, more = ''): string =>
  `struct { __uint(type, BPF_MAP_TYPE_${type}); __uint(max_entries, ${entries}); __type(key, ${key}); __type(value, ${value}); ${more} } m SEC(".maps");`;
const hash = (value: string, key = '__u32', entries = 4, more = '') => map('HASH', key, value, entries, more);
const outer = (entries: number, value = '__u64', more = '', names = '') => `
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, ${entries}); __type(key, __u32); __type(value, ${value}); } one SEC(".maps"), two SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, __u32); __array(values, struct inner); ${more} } m SEC(".maps")${names};`;
const filledOuter = (entries: number, first = 'one') =>
  outer(entries, '__u64', '', ` = { .values = { [0] = &${first} } }`);
const RULE = 'struct rule { int a, b; };';
const arena = (more: string) => `
#define __arena __attribute__((address_space(1)))
struct { __uint(type, 33); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 2); } m SEC(".maps");
${more}`;

const MAPS: readonly Row[] = [
  ['equal', hash('__u64'), hash('__u64'), 'm', 'reuse'],
  ['max_entries', hash('__u64'), hash('__u64', '__u32', 8), 'm', 'reset | max_entries was 4 and is 8'],
  ['a wider value', hash('__u32'), hash('__u64'), 'm', 'reset | value size was 4 and is 8'],
  ['a wider key', hash('int', '__u32'), hash('int', '__u64'), 'm', 'reset | key size was 4 and is 8'],
  [
    'the kind of map',
    hash('__u64'),
    map('LRU_HASH', '__u32', '__u64'),
    'm',
    'reset | type was hash and is lru_hash',
  ],
  [
    'flags',
    hash('__u64'),
    hash('__u64', '__u32', 4, '__uint(map_flags, BPF_F_NO_PREALLOC);'),
    'm',
    'reset | flags was 0x0 and is 0x1',
  ],
  [
    'a value of another type',
    `${RULE}${hash('struct rule')}`,
    hash('__u64'),
    'm',
    'reset | type of value was struct rule and is __u64',
  ],
  [
    'members of a value swapped',
    `${RULE}${hash('struct rule')}`,
    `struct rule { int b, a; }; ${hash('struct rule')}`,
    'm',
    'reset | type of value was struct rule: member 1 is a and is struct rule: member 1 is b',
  ],
  [
    'a key of another type',
    hash('int', 'int'),
    hash('int', 'unsigned'),
    'm',
    'reset | type of key was int and is unsigned int',
  ],
  [
    'sizes alone',
    hash('__u64'),
    'struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 8); } m SEC(".maps");',
    'm',
    'reuse',
  ],
  ['fresh', hash('__u64'), hash('__u64'), 'm', 'reset | as requested with --fresh', fresh],
  ['there was none', 'int a;', hash('__u64'), 'm', 'new | there was none'],
  ['a map of maps, empty', outer(1), outer(1), 'm', 'reuse'],
  [
    'a map of maps, other inner maps',
    outer(1),
    outer(2),
    'm',
    /inner maps were type 2 .* entries 1 .* and are type 2 .* entries 2 /.source,
  ],
  [
    'a map of maps, other types in inner maps',
    outer(1),
    `${RULE}${outer(1, 'struct rule')}`,
    'm',
    /inner maps were type 2 key 4 __u32 value 8 __u64 .* and are type 2 key 4 __u32 value 8 struct /.source,
  ],
  ['an arena', arena(''), arena('int other;'), 'm', 'reuse'],
  [
    'an arena with variables',
    arena('__arena int v = 5;'),
    arena('__arena int v = 5;'),
    'm',
    'reset | the variables in the arena may have moved',
  ],
  [
    'an arena with variables, unchanged',
    arena('__arena int v = 5;'),
    arena('__arena int v = 5;'),
    'm',
    'reuse',
    unchanged,
  ],
];

// --- contents -----------------------------------------------------------------------------------------------------

const array = (entries: number, values: string, stages: readonly string[] = ['one', 'two']) => `
${stages.map(name => `int ${name}(struct xdp_md *ctx);`).join(' ')}
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, ${entries}); __type(key, __u32); __array(values, int(struct xdp_md *)); } m SEC(".maps")${values};
${stages.map(name => `SEC("xdp") int ${name}(struct xdp_md *ctx) { bpf_tail_call(ctx, &m, 1); return 1; }`).join('\n')}`;
const ONE = ' = { .values = { [0] = (void *)&one } }';
const TWO = ' = { .values = { [0] = (void *)&two } }';
const keeps: Policy = { keepsPrograms: () => true };

const CONTENTS: readonly Row[] = [
  ['an empty array of programs', array(4, ''), array(4, ''), 'm', 'reuse'],
  [
    'of an unchanged file, whose programs are loaded again',
    array(4, ONE),
    array(4, ONE),
    'm',
    'rebuild',
    unchanged,
  ],
  ['whose programs are kept', array(4, ONE), array(4, ONE), 'm', 'reuse', { ...unchanged, ...keeps }],
  ['whose programs are kept, of another size', array(4, ONE), array(5, ONE), 'm', 'rebuild', keeps],
  ['of a new version', array(4, ONE), array(4, TWO), 'm', 'rebuild'],
  ['that is filled from now on', array(4, ''), array(4, ONE), 'm', 'rebuild'],
  ['that is filled no more', array(4, ONE), array(4, ''), 'm', 'rebuild'],
  [
    'that is another kind of map',
    array(4, ONE),
    hash('__u64'),
    'm',
    'reset | type was prog_array and is hash, value size was 4 and is 8',
  ],
  ['fresh', array(4, ONE), array(4, ONE), 'm', 'reset | as requested with --fresh', { ...keeps, ...fresh }],
  ['a filled map of maps', filledOuter(1), filledOuter(1), 'm', 'rebuild'],
  ['a filled map of maps, unchanged', filledOuter(1), filledOuter(1), 'm', 'reuse', unchanged],
  ['a filled map of maps, with other inner maps', filledOuter(1), filledOuter(2), 'm', 'rebuild', unchanged],
  ['the inner map itself', filledOuter(1), filledOuter(1, 'two'), 'one', 'reuse'],
];

const TABLES: readonly (readonly [string, readonly Row[]])[] = [
  ['maps', MAPS],
  ['contents', CONTENTS],
];

const wanted = needs('bpf', 'clang');

wanted.describe('the planner', () => {
  if (wanted.reason !== undefined) return;
  const objectOf = compileTexts(TABLES.flatMap(([, rows]) => textsOf(rows)));
  describe.each(TABLES)('%s', (_, rows) => testRows(rows, objectOf));

  test('what was written into an array is not known: it is rebuilt where the new version fills it', () => {
    using running = run(objectOf(withProgram(array(4, ONE))));
    const forgotten: Policy = {
      previous: name => {
        const known = running.previous(name.name);
        return known === undefined ? undefined : { ...known, state: { ...known.state, contents: null } };
      },
    };
    const decisionOf = (values: string) =>
      decide(running, objectOf(withProgram(array(4, values))), forgotten).decisions.get('m')?.decision.kind;
    expect(decisionOf(ONE)).toBe('rebuild');
    expect(decisionOf('')).toBe('reuse'); // it looks as if only user space wrote into it
  });
});

wanted.describe('maps that are pinned by name', () => {
  if (wanted.reason !== undefined) return;
  const pinnedMap = (entries: number) =>
    hash('__u64', '__u32', entries, '__uint(pinning, LIBBPF_PIN_BY_NAME);');
  const objectOf = compileTexts([4, 8].map(entries => withProgram(pinnedMap(entries))));
  const [old, other] = [objectOf(withProgram(pinnedMap(4))), objectOf(withProgram(pinnedMap(8)))];
  let bpffs: ReturnType<typeof mountBpffs>;
  beforeEach(() => {
    bpffs = mountBpffs();
  });
  afterEach(() => bpffs.close());

  const decisionOf = (next: BpfObject, pinRoot: string | null, policy: Policy = {}): string => {
    using running = run(old, { pinRoot: null });
    const options = { pinRoot };
    return describeDecision(
      decide(running, next, { pinRoot, options, ...policy }).decisions.get('m')?.decision,
    );
  };

  test('the pin goes before what the running generation has, whatever the caller wants', () => {
    using loaded = run(old, { pinRoot: bpffs.path });
    expect(loaded.loaded.maps.get('m')?.info().id).toBeGreaterThan(0);
    expect(decisionOf(old, bpffs.path)).toBe('pinned');
    expect(decisionOf(old, bpffs.path, fresh)).toBe('pinned');
    expect(decisionOf(old, bpffs.path, { previous: () => undefined })).toBe('pinned');
    expect(decisionOf(old, null)).toBe('reuse');
  });

  test('another definition is refused, with the difference', () => {
    using _pinned = run(old, { pinRoot: bpffs.path });
    expect(decisionOf(other, bpffs.path)).toMatch(/^refuse \| .*max_entries 4 instead of 8/);
    expect(decisionOf(other, bpffs.path, fresh)).toMatch(/^refuse/);
  });

  test('no pin there: as any other map', () => {
    expect(decisionOf(old, bpffs.path)).toBe('reuse');
    expect(decisionOf(other, bpffs.path)).toBe('reset | max_entries was 4 and is 8');
  });
});
