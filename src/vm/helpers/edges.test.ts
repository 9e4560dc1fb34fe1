/** Edges of helpers that random operands rarely reach: the machine, and the kernel where there is one. */

import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { callHelper, copy, EXIT, insn, loadWords, move } from '../../isa/assemble.ts';
import { encodeInsns, type Insn } from '../../isa/opcodes.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { executeLoad } from '../../load/execute/execute.ts';
import { planLoad } from '../../load/plan/object.ts';
import { preparedAlone } from '../../load/plan/prepared.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { EALREADY } from '../../uapi/errno.ts';
import { BPF_F_ADJ_ROOM_ENCAP_L3_IPV4, BPF_F_MARK_MANGLED_0 } from '../../uapi/helper-flags.ts';
import { createMachine } from '../run/machine.ts';
import { DESCRIPTOR_SIZE } from '../state/layout.ts';
import { testObject } from '../testing.ts';

const { sys } = kernelForTests();
const [MAP_LOOKUP, L4_CSUM_REPLACE, SKB_ADJUST_ROOM] = [1, 11, 50];
const [ETHERNET, FIELD] = [14, 40];
const BPF_ADJ_ROOM_MAC = 1;
/** r1 to r6, which keeps the context. */
const KEEP = copy(6, 1);
const CONTEXT = copy(1, 6);

interface Run {
  readonly verdict: number;
  readonly packet: Uint8Array;
}

/** Of the machine, and of the kernel where it can be asked. */
function runs(insns: readonly Insn[], packet: Uint8Array): readonly Run[] {
  const object = testObject([{ name: 'main', insns: [...insns, EXIT], section: 'tc' }]);
  const { verdict, packet: after } = createMachine(object).run(packet);
  const machine = { verdict, packet: after.slice() };
  return sys === undefined ? [machine] : [machine, onKernel(object, packet)];
}

function onKernel(object: BpfObject, packet: Uint8Array): Run {
  if (sys === undefined) throw new Error('no kernel');
  using loaded = executeLoad(planLoad(preparedAlone(object)), sys, { pinRoot: null });
  const { verdict, packet: after } = loaded.testRun('main', packet);
  return { verdict, packet: after.slice() };
}

/** An IPv4 packet; `check`: the bytes of the field as a number of this machine. */
function packetWith(check: number): Uint8Array {
  const packet = new Uint8Array(100);
  packet.set([0x08, 0x00, 0x45], 12);
  packet.set([check & 0xff, check >> 8], FIELD);
  return packet;
}

describe('a checksum of UDP that becomes 0', () => {
  const replace = (from: number, to: number, flags: number) => [
    move(2, FIELD),
    move(3, from),
    move(4, to),
    move(5, flags + 2),
    callHelper(L4_CSUM_REPLACE),
  ];
  test.each([
    ['is sent as 0xffff', 0x1234, 0x1234, BPF_F_MARK_MANGLED_0, 0xffff],
    ['stays 0 without the flag', 0x1234, 0x1234, 0, 0],
    ['was none, and stays none', 0, 0x1234, BPF_F_MARK_MANGLED_0, 0],
    ['is changed like any other without the flag', 0, 0x1234, 0, 0xedcb],
  ])('%s', (_, check, to, flags, expected) => {
    for (const { verdict, packet } of runs(replace(0, to, flags), packetWith(check))) {
      expect(verdict).toBe(0);
      expect((packet[FIELD] ?? 0) + ((packet[FIELD + 1] ?? 0) << 8)).toBe(expected);
    }
  });
});

test('a packet is encapsulated once', () => {
  const encapsulate = [
    CONTEXT,
    move(2, 20),
    move(3, BPF_ADJ_ROOM_MAC),
    move(4, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4),
    callHelper(SKB_ADJUST_ROOM),
  ];
  const [first, second] = [
    [KEEP, ...encapsulate],
    [KEEP, ...encapsulate, ...encapsulate],
  ].map(insns => runs(insns, packetWith(0)));
  for (const { verdict, packet } of first ?? []) expect([verdict, packet.length]).toEqual([0, 120]);
  for (const { verdict, packet } of second ?? [])
    expect([verdict | 0, packet.length]).toEqual([-EALREADY, 120]);
});

describe('a map handle', () => {
  const object = objectOf('a.o', [
    { name: 'main', kind: 'function', section: 'xdp', uses: ['m'] },
    { name: 'm', kind: 'map' },
  ]);
  const lookup = (distance: number): BpfObject => {
    const insns = [
      ...loadWords(1, 0, 0),
      insn(0x07, 1, 0, 0, distance), // r1 += distance
      insn(0x62, 10, 0, -4, 0), // the key
      copy(2, 10),
      insn(0x07, 2, 0, 0, -4),
      callHelper(MAP_LOOKUP),
      move(0, 2),
      EXIT,
    ];
    const code = encodeInsns(insns, object.byteOrder);
    const symbols = object.symbols.map(one => (one.kind === 'function' ? { ...one, code } : one));
    return { ...object, symbols };
  };
  const run = (distance: number) => createMachine(lookup(distance)).run(new Uint8Array(ETHERNET)).verdict;

  test('is that of a map', () => {
    expect(run(0)).toBe(2);
  });

  test.each([-DESCRIPTOR_SIZE, -1, 1, DESCRIPTOR_SIZE - 1, DESCRIPTOR_SIZE])(
    '%i bytes away is none',
    away => {
      expect(() => run(away)).toThrow(expect.objectContaining({ code: 'vm-not-map' }));
    },
  );
});
