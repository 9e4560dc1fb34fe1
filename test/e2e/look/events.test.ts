/** `rootlet events` on this kernel: records of rings and perf event arrays by their types. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { packet } from '../../../src/load/testing.ts';
import { Store } from '../../../src/store/store.ts';
import { type JsonSchema, schemaErrors } from '../../support/json-schema.ts';
import { needs } from '../../support/needs.ts';
import { kernel } from '../slots/support.ts';
import { LookLab } from './lab.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SCHEMA: JsonSchema = JSON.parse(readFileSync('docs/schema/events.schema.json', 'utf8'));

const SENDER = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum verdict { DROP = 1, PASS };
struct event { __u32 number; enum verdict verdict; char name[8]; };
typedef struct { __u64 number; } other_t;
other_t unused;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __type(value, struct event); } log SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } plain SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, int); __type(value, int); } perf SEC(".maps");
__u32 number;
SEC("xdp") int send(struct xdp_md *ctx) {
  struct event event = { .number = ++number, .verdict = DROP, .name = "web" };
  char more[20] = { 1 };
  bpf_ringbuf_output(&log, &event, sizeof event, 0);
  bpf_ringbuf_output(&log, more, sizeof more, 0);
  bpf_ringbuf_output(&log, more, 4, 0);
  bpf_ringbuf_output(&plain, &event, sizeof event, 0);
  bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof event);
  return unused.number;
}
char _license[] SEC("license") = "GPL";
`.replaceAll(/\blog\b/g, 'records');

needs('root', 'bpf', 'clang', 'ip').describe('events', () => {
  let lab: LookLab;
  beforeAll(async () => {
    lab = new LookLab();
    const [sender = ''] = lab.compile({ sender: SENDER });
    await lab.must('load', sender);
  });
  afterAll(() => lab.close());

  function send(): void {
    const store = Store.open(kernel, lab.world.root);
    const entry = store.find('object', 'sender');
    if (entry === undefined) throw new Error('sender is not loaded');
    using program = store.openProgram(entry, 'send');
    program.testRun({ data: packet() });
  }

  async function events(...words: string[]): Promise<unknown[]> {
    const out = await lab.must('events', ...words);
    const lines = out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as unknown); // lines of JSON
    expect(lines.flatMap(line => schemaErrors(line, SCHEMA))).toEqual([]);
    return lines;
  }

  test('records of a ring have the value type of the map; longer and shorter ones show their bytes', async () => {
    send();
    expect(await events('sender.records', '--count', '3')).toEqual([
      {
        schemaVersion: 1,
        ok: true,
        size: 16,
        type: 'struct event',
        value: { number: 1, verdict: 'DROP', name: 'web' },
      },
      expect.objectContaining({ size: 20, value: { number: 1, verdict: 0, name: '' }, rest: '00000000' }),
      { schemaVersion: 1, ok: true, size: 4, bytes: '01000000' },
    ]);
  });

  test('without a type there are bytes, and a note; --type names one', async () => {
    const { out, err } = await lab.run(['events', 'sender.plain', '--count', '1']);
    expect(JSON.parse(out)).toMatchObject({ size: 16, bytes: expect.stringMatching(/^01000000/) });
    expect(err).toMatch(/type of the records of plain is not known: --type STRUCT names it/);
    send();
    expect(await events('sender.plain', '--count', '1', '--type', 'event')).toMatchObject([
      { value: { number: 2 } },
    ]);
    send();
    expect(await events('sender.plain', '--count', '1', '--type', 'other_t')).toMatchObject([
      { type: 'other_t', rest: expect.any(String) },
    ]);
  });

  test('a perf event array gets what is sent while it is read', async () => {
    const reading = events('sender.perf', '--count', '1', '--type', 'struct event');
    for (let tries = 0; tries < 100; tries++) {
      send();
      if ((await Promise.race([reading, new Promise(done => setTimeout(done, 50))])) !== undefined) break;
    }
    expect(await reading).toMatchObject([
      { cpu: expect.any(Number), type: 'struct event', value: { name: 'web' } },
    ]);
  });

  test.each([
    [['sender.number'], /is not a map/],
    [['sender.data'], /has no map or variable|has no records/],
    [['sender.bss'], /has no records: it is of type array/],
    [['sender.records', '--type', 'evnt'], /have no structure "evnt"\n.*did you mean "event"/],
  ])('%j is refused', async (words, message) => {
    expect(await lab.refused(2, 'events', ...words)).toMatch(message);
  });

  test('a signal ends it', () => {
    const { code } = lab.world.run(['events', 'sender.plain'], {
      through: ['timeout', '--preserve-status', '-s', 'INT', '3'],
    });
    expect(code).toBe(0);
  });
});
