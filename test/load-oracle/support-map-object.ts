/** Objects with one program and one map of any type, made without a compiler. */

import { type Btf, BtfBuilder } from '../../src/btf/index.ts';
import {
  addressOf,
  assemble,
  BPF_DW,
  encodeInsns,
  insn,
  load,
  move,
  type Step,
} from '../../src/isa/index.ts';
import type { MapShape } from '../../src/object/maps/shape.ts';
import type { BpfObject, FunctionSymbol, MapSymbol } from '../../src/object/model/model.ts';
import { callSteps, type MapCall } from './support-calls.ts';

const [PROGRAM, CALLBACK, MAP] = [0, 1, 2];

/** The call as an object; `hidden` passes the map through memory, so that a compiler does not know it. */
export function callObject(call: MapCall, shape: MapShape, hidden: boolean): BpfObject {
  const loadMap = (dst: number): Step => addressOf(dst, MAP);
  const steps = callSteps(call, loadMap).flatMap(step => replaced(step, hidden));
  const { btf, variable } = mapTypes(shape);
  return {
    name: 'call.o',
    byteOrder: 'little',
    flags: 0,
    sections: [
      { name: 'xdp', type: 1, flags: 6, align: 8, entsize: 0, role: 'code' },
      { name: '.text', type: 1, flags: 6, align: 8, entsize: 0, role: 'code' },
      { name: '.maps', type: 1, flags: 3, align: 8, entsize: 0, role: 'maps' },
    ],
    symbols: [
      functionOf('program', PROGRAM, steps),
      functionOf('callback', CALLBACK, [move(0, 0), insn(0x95)]),
      mapOf(variable, btf),
    ],
    btf,
  };
}

/** Addresses of functions are references; a hidden map goes through the stack. */
function replaced(step: Step, hidden: boolean): readonly Step[] {
  if ('kind' in step) {
    if (step.kind !== 'address' || step.symbol !== MAP || !hidden) return [step];
    return [step, insn(0x7b, 10, step.dst, -8), load(BPF_DW, step.dst, 10, -8)];
  }
  const first = 'opcode' in step ? step : step[0];
  return first?.opcode === 0x18 ? [addressOf(first.dst, CALLBACK)] : [step];
}

function functionOf(name: string, section: number, steps: readonly Step[]): FunctionSymbol {
  const { insns, references } = assemble(steps);
  return {
    kind: 'function',
    name,
    binding: 'global',
    visibility: 'default',
    section,
    origin: { file: 'call.o', offset: 0 },
    code: encodeInsns(insns, 'little'),
    references,
    btfId: 0,
    lines: [],
    coreRecords: [],
  };
}

function mapOf(btfId: number, btf: Btf): MapSymbol {
  const type = btf.type(btfId);
  const struct = type.kind === 'var' ? btf.type(type.type) : type;
  const size = struct.kind === 'struct' ? struct.size : 0;
  return {
    kind: 'map',
    name: 'map',
    binding: 'global',
    visibility: 'default',
    section: 2,
    origin: { file: 'call.o', offset: 0 },
    size,
    align: 8,
    bytes: new Uint8Array(size),
    references: [],
    btfId,
  };
}

function mapTypes(shape: MapShape): { readonly btf: Btf; readonly variable: number } {
  const builder = new BtfBuilder();
  const bits = { bits: 32, bitOffset: 0, signed: true, char: false, bool: false } as const;
  const int = builder.add({ kind: 'int', name: 'int', size: 4, ...bits });
  const pointer = (type: number): number => builder.add({ kind: 'ptr', type });
  const array = (element: number, length: number) =>
    builder.add({ kind: 'array', element, index: int, length });
  const struct = (of: MapShape, extra: readonly (readonly [string, number])[]): number => {
    const numbers = Object.entries({
      type: of.type,
      key_size: of.keySize,
      value_size: of.valueSize,
      max_entries: of.maxEntries,
      map_flags: of.flags,
    }).filter(([, value]) => value !== 0);
    const fields = numbers.map(([name, value]) => [name, pointer(array(int, value))] as const);
    const members = [...fields, ...extra].map(([name, type], at) => ({
      name,
      type,
      bitOffset: at * 64,
      bitSize: 0,
    }));
    return builder.add({ kind: 'struct', name: '', size: members.length * 8, members });
  };
  const values: readonly (readonly [string, number])[] =
    shape.inner === null ? [] : [['values', array(pointer(struct(shape.inner, [])), 1)]];
  const type = struct(shape, values);
  const variable = builder.add({ kind: 'var', name: 'map', type, linkage: 'global' });
  return { btf: builder.build(), variable };
}
