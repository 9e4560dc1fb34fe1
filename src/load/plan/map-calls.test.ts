/** Calls with maps that do not fit: which are found, and which of them are certain. */

import { expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import {
  add,
  addressOf,
  assemble,
  BPF_B,
  BPF_JEQ,
  BPF_JMP,
  BPF_W,
  callHelper,
  copy,
  EXIT,
  encodeInsns,
  insn,
  jumpIf,
  label,
  load,
  move,
  type Step,
} from '../../isa/index.ts';
import { HOST_ORDER } from '../../kernel/index.ts';
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_RINGBUF } from '../../uapi/index.ts';
import { refusedCalls } from './map-calls.ts';
import { callNotes, requireMapCalls } from './map-rules.ts';
import type { LoadPlan, MapPlan, ProgramPlan } from './plan.ts';

const [RING, ARRAY] = [0, 1];
const LOOKUP = 1;
const MAP: MapPlan = {
  ...{ name: 'ring', kernelName: 'ring', type: BPF_MAP_TYPE_RINGBUF, keySize: 0, valueSize: 0 },
  ...{ maxEntries: 4096, flags: 0, mapExtra: 0n, numaNode: 0, keyType: 0, valueType: 0, typed: false },
  ...{ contents: null, frozen: false, pinning: 0, inner: null, initial: [] },
};
const MAPS = [MAP, { ...MAP, name: 'array', type: BPF_MAP_TYPE_ARRAY }];

function programOf(steps: readonly Step[], progType = 6): ProgramPlan {
  const { insns, references } = assemble([...steps, EXIT]);
  return {
    ...{ name: 'prog', kernelName: 'prog', section: 'xdp', jumpTables: [], functions: [], lines: [] },
    ...{ funcInfo: null, lineInfo: null, attach: null, poisons: [], functionAddresses: [] },
    type: { progType, expectedAttachType: 0, flags: 0, attachBtf: false, attachTypeOptional: false },
    code: encodeInsns(insns, HOST_ORDER),
    fixups: references.map(({ insnIndex, symbol }) => ({ kind: 'map', insnIndex, map: symbol })),
  };
}

function planOf(steps: readonly Step[], progType?: number): LoadPlan {
  return {
    ...{ source: 'calls.o', objectName: 'calls', byteOrder: HOST_ORDER, license: '', types: null, btf: null },
    ...{ maps: MAPS, globals: [], programs: [programOf(steps, progType)], notes: [] },
  };
}

function found(steps: readonly Step[], progType?: number): string {
  const plan = planOf(steps, progType);
  const calls = plan.programs.flatMap(program => refusedCalls(plan, program));
  return calls.map(({ map, certain }) => `${map.name} ${certain ? 'certain' : 'possible'}`).join(', ');
}

const call = (map: number): readonly Step[] => [addressOf(1, map), callHelper(LOOKUP)];
/** `if (data + bytes > data_end) goto end`. */
const packet = (bytes: number): readonly Step[] => [
  ...[load(BPF_W, 2, 6, 0), load(BPF_W, 3, 6, 4), copy(4, 2), add(4, bytes)],
  insn(BPF_JMP | 0x20 | 0x08, 4, 3, 0, 0),
];

/** A jump without a label leads to the next instruction: both ways go on. */
test.each<[string, readonly Step[], string]>([
  ['a map that fits', call(ARRAY), ''],
  ['a map that does not', call(RING), 'ring certain'],
  ['through another register', [addressOf(6, RING), copy(1, 6), callHelper(LOOKUP)], 'ring certain'],
  ['over another call', [addressOf(6, RING), ...call(ARRAY), copy(1, 6), callHelper(LOOKUP)], 'ring certain'],
  ['of another helper', [addressOf(1, RING), callHelper(7)], ''],
  ['overwritten', [addressOf(1, RING), move(1, 0), callHelper(LOOKUP)], ''],
  [
    'after a constant',
    [move(2, 0), jumpIf(BPF_JEQ, 2, 0, 'end'), ...call(RING), label('end')],
    'ring possible',
  ],
  [
    'where an element is there',
    [...call(ARRAY), jumpIf(BPF_JEQ, 0, 0, 'end'), ...call(RING), label('end')],
    'ring certain',
  ],
  [
    'where no element is',
    [...call(ARRAY), jumpIf(0x50, 0, 0, 'end'), ...call(RING), label('end')],
    'ring possible',
  ],
  ['in a packet', [copy(6, 1), ...packet(14), ...call(RING)], 'ring certain'],
  [
    'by a byte of the packet',
    [
      copy(6, 1),
      ...packet(14),
      load(BPF_B, 5, 2, 12),
      jumpIf(0x50, 5, 6, 'end'),
      ...call(RING),
      label('end'),
    ],
    'ring certain',
  ],
  [
    'by a value that no byte has',
    [
      copy(6, 1),
      ...packet(14),
      load(BPF_B, 5, 2, 12),
      jumpIf(0x50, 5, 256, 'end'),
      ...call(RING),
      label('end'),
    ],
    'ring possible',
  ],
  [
    'by the same byte twice',
    [
      ...[copy(6, 1), ...packet(14), load(BPF_B, 5, 2, 12)],
      ...[jumpIf(0x50, 5, 6, 'end'), jumpIf(BPF_JEQ, 5, 6, 'end'), ...call(RING), label('end')],
    ],
    'ring possible',
  ],
  ['dead code', [EXIT, ...call(RING)], ''],
])('%s', (_what, steps, expected) => {
  expect(found(steps)).toBe(expected);
});

test('the words of other contexts may be known to the verifier', () => {
  const steps = [copy(6, 1), load(BPF_W, 2, 6, 0), jumpIf(BPF_JEQ, 2, 0, 'end'), ...call(RING), label('end')];
  expect(found(steps)).toBe('ring certain');
  expect(found(steps, 26)).toBe('ring possible');
});

test('certain calls are errors of a dry run, possible ones are notes', () => {
  const behind = [move(2, 0), jumpIf(BPF_JEQ, 2, 0, 'end'), ...call(RING), label('end')];
  expect(() => requireMapCalls(planOf(behind))).not.toThrow();
  expect(callNotes(planOf(behind))).toEqual([
    expect.stringMatching(/program "prog".*unless the call is dead/),
  ]);
  expect(callNotes(planOf(call(RING)))).toEqual([]);
  try {
    requireMapCalls(planOf(call(RING)));
    expect.unreachable();
  } catch (error) {
    expect(error instanceof RootletError && error.problems).toMatchObject([
      {
        code: 'load-map-call',
        where: ['calls.o', 'program "prog"', 'insn 2'],
        hint: expect.stringContaining('ringbuf maps are for bpf_ringbuf_output()'),
      },
    ]);
  }
});
