/** `rootlet show` on this kernel: values by the kernel's types, by those of the file, and names. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { JsonSchema } from '../../support/json-schema.ts';
import { needs } from '../../support/needs.ts';
import { LookLab } from './lab.ts';
import { EDGE } from './sources.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // each command is a process

const SCHEMA: JsonSchema = JSON.parse(readFileSync('docs/schema/show.schema.json', 'utf8'));

/** Has the variable in two sections, and a name with a dot. */
const TWICE = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
static volatile int count = 1;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 20); __type(key, __u32); __type(value, __u32); } flows SEC(".maps");
SEC("xdp") int twice(void *ctx) { __u32 zero = 0; bpf_map_lookup_elem(&flows, &zero); return count++; }
char _license[] SEC("license") = "GPL";
`;

needs('root', 'bpf', 'clang', 'ip').describe('show', () => {
  let lab: LookLab;
  beforeAll(async () => {
    lab = new LookLab();
    const [edge = '', twice = ''] = lab.compile({ edge: EDGE, twice: TWICE });
    await lab.must('load', edge);
    await lab.must('load', twice, '--name', 'edge.two');
    const attached = lab.world.run(['attach', 'xdp', 'v0', twice, '--mode', 'generic', '--name', 'both']);
    expect(attached.code, attached.err).toBe(0);
    await lab.must('load', twice, '--name', 'both');
  });
  afterAll(() => lab.close());

  test('an entry: programs, maps with numbers of elements, variables with values', async () => {
    const shown = await lab.must('show', 'edge');
    const text = shown.replace(/id \d+ +/g, 'id N ').replace(/tag \w+/, 'tag T');
    expect(text).toContain(
      `object "edge": ${lab.world.directory}/edge.o, generation 1\nprograms:\n  edge  id N xdp, tag T\nmaps:\n`,
    );
    for (const line of [
      '  rules        id N hash, struct key → struct rule  0 of 16 elements',
      '  counts       id N percpu_array, __u32 → __u64     2 of 2 elements',
      '  events       id N ringbuf, struct rule            4096 bytes',
      '  queue        id N queue, __u32                    4 entries',
      '  plain        id N hash, key 3, value 5            0 of 4 elements',
      '  __u32 limit = 5',
      '  const volatile __u32 level = 3',
      '  char label[8] = "edge"',
      '  struct limits cfg = {.burst = 10, .rate = {0, 0, 0, 0}, .in = {{.a = 0, .b = 0}, {.a = 0, .b = 0}}}',
      '  __u64 table[8] = {[0 ... 7] = 0}',
    ])
      expect(text.split('\n')).toContain(line);
  });

  test.each([
    ['edge.limit', '__u32 limit = 5\n'],
    ['objects/edge.limit', '__u32 limit = 5\n'],
    ['edge.extra', '__s8 extra = -2\n'],
    ['edge..data:limit', '__u32 limit = 5\n'],
    ['edge.cfg.burst', 'cfg.burst = 10\n'],
    ['edge.cfg.in[1].b', 'cfg.in[1].b = 0\n'],
    ['edge.bss', '.bss (global variables):\n  __u64 table[8] = {[0 ... 7] = 0}\n'],
    ['edge.counts', 'counts (percpu_array, __u32 → __u64):\n  [0] on all CPUs = 0\n  [1] on all CPUs = 0\n'],
    ['edge.rules', 'rules (hash, struct key → struct rule):\n  empty\n'],
    ['edge.two.count', 'volatile int count = 1\n'],
    ['edge.two.flows', 'flows (array, __u32 → __u32):\n  20 elements are zero\n'],
  ])('%s', async (name, text) => {
    expect(await lab.must('show', name)).toBe(text);
  });

  test.each([
    ['edg', /no attachment or loaded object "edg"\n.*did you mean "edge"/],
    ['edge.limt', /object "edge" has no map or variable "limt"\n.*did you mean "limit"/],
    ['edge.cfg.brst', /"cfg" has no member "brst"\n.*its members are burst, rate, in/],
    ['edge.table[8]', /"table" has no element 8\n.*it has 8 elements/],
    ['edge.limit.x', /"limit" has no member "x"\n.*neither a structure nor an array/],
    ['edge.rules[1]', /has no map or variable "rules\[1\]"/],
    ['both.count', /"both.count" can be "objects\/both.count", "hooks\/both.count"/],
    ['both', /"both" can be "objects\/both", "hooks\/both"/],
  ])('%s is refused', async (name, message) => {
    expect(await lab.refused(2, 'show', name)).toMatch(message); // value-unknown, value-ambiguous, store-no-entry
  });

  test('as JSON, by the schema', async () => {
    const all = await lab.json(SCHEMA, 'show', 'edge');
    expect(all).toMatchObject({
      entry: { kind: 'object', name: 'edge', generation: 1 },
      maps: expect.arrayContaining([
        expect.objectContaining({ name: 'rules', types: 'kernel', elements: 0, valueType: 'struct rule' }),
        expect.objectContaining({ name: 'queue', types: 'object', elements: null, valueType: '__u32' }),
        expect.objectContaining({ name: 'plain', types: null, keyType: null }),
      ]),
      variables: expect.arrayContaining([
        expect.objectContaining({ name: 'level', section: '.rodata', constant: true, value: 3 }),
        expect.objectContaining({ name: 'limit', constant: false, value: 5 }),
      ]),
    });
    expect((await lab.json(SCHEMA, 'show', 'edge.cfg.rate'))['variable']).toMatchObject({
      part: '.rate',
      value: [0, 0, 0, 0],
    });
    expect((await lab.json(SCHEMA, 'show', 'edge.counts'))['map']).toMatchObject({
      entries: [{ key: 0, value: expect.arrayContaining([0]) }, { key: 1 }],
    });
    expect((await lab.json(SCHEMA, 'show', 'edge.data'))['variables']).toHaveLength(4);
    expect(await lab.json(SCHEMA, 'show', 'edge.none')).toMatchObject({ ok: false });
  });

  test('without the right to read types of the kernel they are those of the file', async () => {
    const through = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin'];
    const { out, err } = lab.world.run(['show', 'edge'], { through });
    expect(err).toBe(
      'rootlet: note: the types of plain are not known: keys and values are numbers or bytes\n' +
        'rootlet: note: the types in the kernel can be read with CAP_SYS_ADMIN alone: those of the file are used\n',
    );
    expect(out).toBe((await lab.must('show', 'edge')).replaceAll(lab.world.directory, 'DIRECTORY'));
  });

  test('completion offers entries and what they have', async () => {
    expect(await lab.must('completion', 'words', 'show', 'edge.l')).toBe(
      'edge.limit\t\nedge.label\t\nedge.level\t\n:none\n',
    );
    expect(await lab.must('completion', 'words', 'show', 'edge')).toContain('edge.two\t\n');
  });
});
