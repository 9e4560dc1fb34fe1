/** `rootlet map` and `rootlet set` on this kernel: what they write, what they refuse, and that nothing else changes. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Store } from '../../../src/store/store.ts';
import type { JsonSchema } from '../../support/json-schema.ts';
import { needs } from '../../support/needs.ts';
import { kernel } from '../slots/support.ts';
import { LookLab } from './lab.ts';
import { EDGE } from './sources.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const schemaOf = (name: string): JsonSchema =>
  JSON.parse(readFileSync(`docs/schema/${name}.schema.json`, 'utf8'));
const MAP = schemaOf('map');
const SET = schemaOf('set');

needs('root', 'bpf', 'clang', 'ip').describe('elements and variables', () => {
  let lab: LookLab;
  beforeAll(async () => {
    lab = new LookLab();
    const [edge = ''] = lab.compile({ edge: EDGE });
    await lab.must('load', edge);
  });
  afterAll(() => lab.close());

  /** Bytes of the first value of a map, as the kernel has them. */
  function bytesOf(name: string, key = new Uint8Array(4)): number[] {
    const store = Store.open(kernel, lab.world.root);
    const entry = store.find('object', 'edge');
    if (entry === undefined) throw new Error('edge is not loaded');
    using map = store.openMap(entry, name);
    return [...(map.lookup(key) ?? [])];
  }

  test('an element: put, get, dump, delete', async () => {
    const key = '{.address = 7, .port = 80, .zone = 1}';
    expect(
      await lab.must('map', 'put', 'edge.rules', key, '{"hits": 5, "state": "OPEN", "name": "web"}'),
    ).toBe(
      'is rules[{.address = 7, .port = 80, .zone = 1}] = {.hits = 5, .state = OPEN, .low = 0, .high = 0, .name = "web", .from = 0}\n',
    );
    expect(bytesOf('rules', Uint8Array.of(7, 0, 0, 0, 80, 0, 1, 0)).slice(0, 16)).toEqual([
      ...[5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
      ...[0, 0x77, 0x65, 0x62],
    ]);
    // what is printed can be given
    const shown = await lab.must('map', 'get', 'edge.rules', key);
    const value = shown.slice(shown.indexOf(' = {.hits') + 3).trim();
    await lab.must('map', 'put', 'edge.rules', key, value, '--exist');
    expect(await lab.must('map', 'get', 'edge.rules', 'hex:0700000050000100')).toBe(shown);
    expect(await lab.json(MAP, 'map', 'get', 'edge.rules', key)).toMatchObject({
      key: { address: 7, port: 80, zone: 1 },
      value: { hits: 5, state: 'OPEN', name: 'web' },
    });
    expect((await lab.json(MAP, 'map', 'dump', 'edge.rules'))['entries']).toHaveLength(1);
    expect(await lab.must('map', 'delete', 'edge.rules', key, '--dry-run')).toMatch(/^would delete rules\[/);
    expect(await lab.json(MAP, 'map', 'delete', 'edge.rules', key)).toMatchObject({
      after: null,
      dryRun: false,
    });
    expect(await lab.must('map', 'dump', 'edge.rules')).toBe('rules (hash, struct key → struct rule):\n');
  });

  test('values that leave members out report them', async () => {
    const { err } = await lab.run(['map', 'put', 'edge.rules', '{.address = 1}', '{.hits = 1}', '--dry-run']);
    expect(err).toBe(
      'rootlet: note: members of the value of rules that are not given are 0: state, low, high, name, from\n',
    );
    expect(await lab.must('map', 'dump', 'edge.rules')).toBe('rules (hash, struct key → struct rule):\n'); // nothing was written
  });

  test('arrays, values for each CPU, bytes, queues', async () => {
    await lab.must('map', 'put', 'edge.ports', '3', '0xffff');
    expect(await lab.must('map', 'dump', 'edge.ports')).toBe(
      'ports (array, __u32 → __u16):\n  [0] = 0\n  [1] = 0\n  [2] = 0\n  [3] = 65535\n',
    );
    await lab.must('map', 'put', 'edge.counts', '1', '9');
    expect(await lab.must('map', 'get', 'edge.counts', '1')).toBe('[1] on all CPUs = 9\n');
    const { err } = await lab.run(['map', 'put', 'edge.counts', '1', '4', '--cpu', '0']);
    expect(err).toMatch(/other CPUs of counts are written as they were read/);
    expect((await lab.json(MAP, 'map', 'get', 'edge.counts', '1'))['value']).toMatchObject([4, 9]);
    expect(await lab.must('map', 'get', 'edge.counts', '1', '--cpu', '0')).toBe('[1] = 4\n');
    await lab.must('map', 'put', 'edge.plain', 'hex:010203', 'hex:01 02 03 04 05');
    expect(await lab.must('map', 'get', 'edge.plain', 'hex:010203')).toBe(
      '[hex:01 02 03] = hex:01 02 03 04 05\n',
    );
    await lab.must('map', 'put', 'edge.queue', '7');
    expect(await lab.must('map', 'get', 'edge.queue')).toBe('7\n');
    expect(await lab.must('map', 'delete', 'edge.queue')).toBe('deleted queue 7\n');
    expect(await lab.refused(2, 'map', 'get', 'edge.queue')).toMatch(/map "queue" is empty/);
  });

  test.each([
    [['put', 'edge.ports', '0', '65536'], /value: 65536 does not fit __u16 \(0 to 65535\)/],
    [['put', 'edge.rules', '{.port = -1}', '{}'], /key: member "port": -1 does not fit __u16/],
    [['put', 'edge.rules', '{}', '{.low = 8}'], /value: member "low": 8 does not fit __u8:3 \(0 to 7\)/],
    [['put', 'edge.rules', '{}', '{.name = "12345678"}'], /member "name": .* has 8 bytes; 7 and a NUL fit/],
    [['put', 'edge.rules', '{}', '{.state = LOST}'], /"LOST" is not one of OPEN, CLOSED/],
    [['put', 'edge.rules', '{}', '{.hits 1}'], /is not a value/],
    [['put', 'edge.ports', '4', '1'], /no element 4: it has 0 to 3/],
    [['put', 'edge.ports', '0', '1', '--noexist'], /has element 0 already/],
    [['put', 'edge.rules', '{.address = 9}', '{}', '--exist'], /has no element/],
    [['put', 'edge.ports', '0', '1', '--noexist', '--dry-run'], /has element 0 already/],
    [['put', 'edge.rules', '{.address = 9}', '{}', '--exist', '--dry-run'], /has no element/],
    [['put', 'edge.ports', '0', '1', '--exist', '--noexist'], /exclude each other/],
    [['put', 'edge.ports', '0', '1', '--cpu', '0'], /one value for all CPUs/],
    [['put', 'edge.counts', '0', '1', '--cpu', '99999'], /there is no CPU 99999/],
    [['put', 'edge.ports', '0'], /a key and a value must be given/],
    [['put', 'edge.queue', '0', '1'], /a value must be given/],
    [['put', 'edge.plain', '5', '6'], /its type is not known/],
    [['put', 'edge.plain', 'hex:01', 'hex:02'], /key: 1 byte are given, and it has 3|key: 1 byte/],
    [['put', 'edge.stages', '0', '1'], /holds programs: "rootlet replace"/],
    [['put', 'edge.events', '1'], /is a ring of records/],
    [['put', 'edge.rodata', '0', '1'], /is frozen/],
    [['put', 'edge.data', '0', '1'], /holds variables, not elements/],
    [['delete', 'edge.ports', '0'], /is an array: its elements are always there/],
    [['delete', 'edge.rules', '{.address = 9}'], /has no element/],
    [['get', 'edge.queue', '1'], /has no keys/],
    [['get', 'edge.rules'], /needs a key/],
    [['get', 'edge.limit', '1'], /is not a map\n.*rootlet set edge.limit=VALUE/],
    [['dump', 'edge'], /is not a map\n.*MAP is one of: "rules"/],
  ])('map %j is refused', async (words, message) => {
    expect(await lab.refused(2, 'map', ...words)).toMatch(message);
  });

  test('an element more than there is room for', async () => {
    for (const key of ['1', '2', '3'])
      await lab.must('map', 'put', 'edge.plain', `hex:${key.padStart(6, '0')}`, 'hex:0000000000');
    expect(await lab.refused(2, 'map', 'put', 'edge.plain', 'hex:ffffff', 'hex:0000000000')).toMatch(
      /is full: it has 4/,
    );
  });

  test('variables: whole, members, elements, bit fields, text; others keep their bytes', async () => {
    const before = bytesOf('.data');
    const { out, err } = await lab.run([
      'set',
      'edge.limit=7',
      'edge.cfg.rate[2]=0x102',
      'edge.bits.high=31',
      'edge.label=ab',
      'edge.extra=-128',
      'edge.table[7]=18446744073709551615',
    ]);
    expect(out).toBe(
      'edge.limit: 5 -> 7\nedge.cfg.rate[2]: 0 -> 258\nedge.bits.high: 2 -> 31\nedge.label: "edge" -> "ab"\n' +
        'edge.extra: -2 -> -128\nedge.table[7]: 0 -> 18446744073709551615\n',
    );
    expect(err).toMatch(/bits.high shares bytes with other bit fields/);
    expect(err).toMatch(/running values only; "rootlet replace edge --set limit=VALUE" records one/);
    const changed = bytesOf('.data').flatMap((byte, at) => (byte === before[at] ? [] : [at]));
    const { variables } = await lab.json(schemaOf('show'), 'show', 'edge');
    expect(await lab.must('show', 'edge.bits')).toMatch(/= \{.low = 1, .high = 31\}/);
    expect(await lab.must('show', 'edge.cfg')).toMatch(/\{.burst = 10, .rate = \{0, 0, 258, 0\}/);
    expect(variables).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'limit', value: 7 })]));
    expect(changed.length).toBeLessThanOrEqual(1 + 2 + 1 + 4);
    expect(await lab.must('set', 'edge.limit=5', '--dry-run')).toBe('would set edge.limit: 7 -> 5\n');
    expect(await lab.must('show', 'edge.limit')).toBe('__u32 limit = 7\n');
    expect(await lab.json(SET, 'set', 'edge.limit=8')).toMatchObject({
      changes: [{ variable: 'limit', before: 7, after: 8, shares: 'nothing', recorded: null }],
    });
  });

  test.each([
    [['edge.limit=4294967296'], /edge.limit: 4294967296 does not fit __u32 \(0 to 4294967295\)/],
    [
      ['edge.cfg.in[1].b=256'],
      /edge.cfg.in\[1\].b: member "in": element 1: member "b": 256 does not fit __u8/,
    ],
    [['edge.cfg.none=1'], /"cfg" has no member "none"/],
    [['edge.table[8]=1'], /"table" has no element 8/],
    [['edge.level=4'], /is a constant of the programs \(.rodata\)\n.*rootlet replace edge --set level=4/],
    [['edge.rules=1'], /"edge.rules" is not a variable/],
    [['edge=1'], /"edge" is not a variable/],
    [['edge.limt=1'], /did you mean "limit"/],
    [['edge.limit'], /is not NAME.VARIABLE=VALUE/],
  ])('set %j is refused', async (words, message) => {
    expect(await lab.refused(2, 'set', ...words)).toMatch(message);
  });

  test('all problems are reported, and nothing is written', async () => {
    const before = await lab.must('show', 'edge.limit');
    const err = await lab.refused(2, 'set', 'edge.limit=1', 'edge.extra=128', 'edge.level=1');
    expect(err).toMatch(/128 does not fit __s8 \(-128 to 127\)[\s\S]*constant/);
    expect(await lab.must('show', 'edge.limit')).toBe(before);
  });

  test('codes', async () => {
    const codeOf = async (...words: string[]): Promise<unknown> =>
      JSON.parse((await lab.run([...words, '--json'])).out).problems[0].code;
    expect(await codeOf('set', 'edge.level=1')).toBe('value-read-only');
    expect(await codeOf('map', 'get', 'edge.ports', '9')).toBe('value-element');
    expect(await codeOf('show', 'edge.limt')).toBe('value-unknown');
    expect(await codeOf('map', 'put', 'edge.ports', '0', '{')).toBe('value-literal');
  });
});
