import { expect, test } from 'vitest';
import type { ChainState, MemberState } from '../../src/chain/model/chain.ts';
import { printable } from '../../src/diag/printable.ts';
import { counterLayout, decodeCounters } from '../../src/link/watch/layout.ts';
import { NO_SETTINGS } from '../../src/state/settings.ts';
import { BPF_PROG_TYPE_XDP } from '../../src/uapi/program-types.ts';
import { parsePrometheus } from '../../test/support/prometheus.ts';
import { prometheusText } from './prometheus.ts';

const ODD = 'a "name" with \\ and\nlines';

const member: MemberState = {
  name: ODD,
  program: 'prog',
  file: null,
  priority: 50,
  continueOn: [2],
  loaded: null,
  settings: NO_SETTINGS,
  lost: null,
};

const state: ChainState = {
  hook: { kind: 'xdp', direction: null, interface: 'eth0', ifindex: 2, netns: 'net:[1]' },
  kind: 'chain',
  via: 'static',
  version: null,
  mode: 'native',
  program: null,
  members: [member],
  failClosed: false,
  entry: null,
  problems: [],
};

test('labels are escaped, and every number is exact', () => {
  const layout = counterLayout(BPF_PROG_TYPE_XDP);
  const bytes = new Uint8Array(2 * layout.size); // two CPUs
  const view = new DataView(bytes.buffer);
  view.setBigUint64(layout.offsets.time, 1_000_000_001n, true);
  view.setBigUint64(layout.size + layout.offsets.time, 2_500_000_000n, true);
  view.setBigUint64(layout.offsets.bytes, (1n << 60n) + 1n, true);
  view.setBigUint64(layout.size + layout.offsets.verdicts + 8, 7n, true);
  const counters = decodeCounters(layout, bytes, true);
  const reading = { time: 0n, flags: 1, members: [{ member, mapId: 1, counters }] };
  const text = prometheusText([{ state, hook: 'xdp', reading, counting: true }]);
  expect(text).toContain('rootlet_member_time_seconds_total{');
  expect(text).toContain(' 3.500000001\n');
  expect(text).toContain(` ${(1n << 60n) + 1n}\n`);
  const samples = parsePrometheus(text);
  expect(
    samples.every(({ name, labels }) => name === 'rootlet_chain_counting' || labels['member'] === ODD),
  ).toBe(true);
  expect(samples.find(({ labels }) => labels['verdict'] === 'DROP')?.value).toBe(7);
  expect(samples.filter(({ name }) => name === 'rootlet_member_packets_total')).toHaveLength(6);
});

test('what a terminal obeys or hides is a visible part of labels, in which no escape is unknown', () => {
  const hidden = 'v\u001b[1m\u009b\u202e\u{e0041}';
  const hook = { ...state.hook, interface: hidden };
  const reading = {
    time: 0n,
    flags: 1,
    members: [{ member: { ...member, name: hidden }, mapId: 1, counters: null }],
  };
  const text = prometheusText([{ state: { ...state, hook }, hook: 'xdp', reading, counting: true }]);
  expect(printable(text)).toBe(text);
  const shown = 'v\\x1b[1m\\x9b\\u202e\\u{e0041}';
  const labels = parsePrometheus(text).map(one => one.labels['interface']);
  expect(new Set(labels)).toEqual(new Set([shown]));
});

test('no chain, and members without counters', () => {
  expect(parsePrometheus(prometheusText([]))).toEqual([]);
  const textOf = (one: MemberState): string => {
    const reading = { time: 0n, flags: 0, members: [{ member: one, mapId: null, counters: null }] };
    return prometheusText([{ state, hook: 'xdp', reading, counting: false }]);
  };
  expect(textOf({ ...member, file: 'a.o' })).toMatch(
    /\n# eth0 xdp: member .*: not counted: loaded without counters\n$/,
  );
  const text = textOf({ ...member, file: null });
  expect(text).toMatch(/\n# eth0 xdp: member .*: not counted: loaded by another tool\n$/);
  const samples = parsePrometheus(text);
  expect(samples.map(({ name, value }) => [name, value])).toEqual([
    ['rootlet_member_place', 1],
    ['rootlet_chain_counting', 0],
  ]);
});
