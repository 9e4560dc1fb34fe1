import { describe, expect, test } from 'vitest';
import { CodeView, encodeInsns, type Insn } from '../../isa/opcodes.ts';
import { FakeSys, failingSys } from '../../kernel/sys/fake.ts';
import { decodeU32s } from '../../kernel/sys/sys.ts';
import * as uapi from '../../kernel/uapi/uapi.ts';
import { ringSize } from '../../object/maps/complete.ts';
import { programTypeOf } from '../../object/programs/section-names.ts';
import * as commands from '../../uapi/commands.ts';
import { EPERM } from '../../uapi/errno.ts';
import {
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_PROG_ARRAY,
} from '../../uapi/map-types.ts';
import type { LoadPlan, MapPlan, ProgramPlan } from '../plan/plan.ts';
import { executeLoad } from './execute.ts';

const insn = (opcode: number, dst: number, src: number, offset: number, imm: number): Insn => ({
  opcode,
  dst,
  src,
  offset,
  imm,
});
/** ld_imm64 r1, map; ld_imm64 r2, globals + 8; r0 = 2; exit */
const CODE = encodeInsns(
  [
    insn(0x18, 1, 1, 0, 0),
    insn(0, 0, 0, 0, 0),
    insn(0x18, 2, 2, 0, 0),
    insn(0, 0, 0, 0, 8),
    insn(0xb7, 0, 0, 0, 2),
    insn(0x95, 0, 0, 0, 0),
  ],
  uapi.HOST_ORDER,
);

const map = (fields: Partial<MapPlan> & Pick<MapPlan, 'name'>): MapPlan => ({
  kernelName: fields.name.slice(0, 15),
  type: BPF_MAP_TYPE_ARRAY,
  keySize: 4,
  valueSize: 16,
  maxEntries: 1,
  flags: 0,
  mapExtra: 0n,
  numaNode: 0,
  keyType: 0,
  valueType: 0,
  typed: false,
  contents: null,
  frozen: false,
  pinning: 0,
  inner: null,
  initial: [],
  ...fields,
});

const program = (name: string): ProgramPlan => ({
  name,
  kernelName: name,
  section: 'xdp',
  type: programTypeOf('xdp') ?? {
    progType: 6,
    expectedAttachType: 37,
    flags: 0,
    attachBtf: false,
    attachTypeOptional: true,
    extra: '',
    section: 'xdp',
    autoload: true,
  },
  code: CODE,
  fixups: [
    { kind: 'map', insnIndex: 0, map: 0 },
    { kind: 'map-value', insnIndex: 2, map: 1, offset: 8 },
  ],
  functions: [{ name, file: 'a.o', insnIndex: 0, insnCount: 6, btfId: 1 }],
  lines: [],
  funcInfo: new Uint8Array(8),
  lineInfo: new Uint8Array(16),
  attach: null,
  poisons: [],
  functionAddresses: [],
  jumpTables: [],
});

const PLAN: LoadPlan = {
  source: 'test.o',
  objectName: 'test',
  byteOrder: uapi.HOST_ORDER,
  license: 'GPL',
  types: null,
  btf: new Uint8Array(24),
  globals: [],
  notes: [],
  maps: [
    map({ name: 'counts', keyType: 2, valueType: 3, typed: true }),
    map({ name: '.rodata', contents: new Uint8Array(16).fill(1), frozen: true }),
    map({
      name: 'outer',
      type: BPF_MAP_TYPE_ARRAY_OF_MAPS,
      valueSize: 4,
      maxEntries: 2,
      inner: map({ name: 'outer.inner' }),
      initial: [{ index: 1, target: { kind: 'map', map: 0 } }],
    }),
    map({
      name: 'jumps',
      type: BPF_MAP_TYPE_PROG_ARRAY,
      valueSize: 4,
      maxEntries: 2,
      initial: [{ index: 0, target: { kind: 'program', program: 'two' } }],
    }),
  ],
  programs: [program('one'), program('two')],
};

test('types, maps with their contents, programs: in this order', () => {
  const sys = new FakeSys();
  using _object = executeLoad(PLAN, sys);
  expect(sys.commands()).toEqual([
    commands.BPF_BTF_LOAD,
    commands.BPF_MAP_CREATE, // counts
    commands.BPF_MAP_CREATE, // .rodata
    commands.BPF_MAP_UPDATE_ELEM,
    commands.BPF_MAP_FREEZE,
    commands.BPF_MAP_CREATE, // outer.inner, the template
    commands.BPF_MAP_CREATE, // outer
    commands.BPF_MAP_CREATE, // jumps
    commands.BPF_MAP_UPDATE_ELEM, // outer[1]
    commands.BPF_PROG_LOAD,
    commands.BPF_PROG_LOAD,
    commands.BPF_PROG_BIND_MAP, // one: .rodata
    commands.BPF_PROG_BIND_MAP, // two: .rodata
    commands.BPF_MAP_UPDATE_ELEM, // jumps[0]
  ]);
});

test('closing the object closes everything', () => {
  const sys = new FakeSys();
  executeLoad(PLAN, sys).close();
  expect([...sys.openFds]).toEqual([]);
});

test('the program gets descriptors, records, license and types', () => {
  const code: Insn[][] = [];
  const attrs: ReturnType<typeof decodeProgLoad>[] = [];
  const watching = new FakeSys((call, fake) => {
    if (call.command !== commands.BPF_PROG_LOAD) return undefined;
    const attr = decodeProgLoad(call.attr);
    attrs.push(attr);
    const view = new CodeView(fake.memory(attr.insns), uapi.HOST_ORDER);
    code.push(Array.from({ length: view.length }, (_, at) => view.at(at)));
    expect(new TextDecoder().decode(fake.memory(attr.license))).toBe('GPL\0');
    return undefined;
  });
  using object = executeLoad(PLAN, watching);
  expect(code[0]?.[0]).toMatchObject({ src: 1, imm: object.map('counts').fd.number });
  expect(code[0]?.[2]).toMatchObject({ src: 2, imm: object.map('.rodata').fd.number });
  expect(code[0]?.[3]).toMatchObject({ imm: 8 });
  expect(attrs[0]).toMatchObject({
    prog_type: 6,
    expected_attach_type: 37,
    prog_btf_fd: object.btf?.number,
    func_info_cnt: 1,
    func_info_rec_size: 8,
    line_info_cnt: 1,
    line_info_rec_size: 16,
    log_level: 0,
    prog_name: 'one',
  });
  expect(new CodeView(CODE, uapi.HOST_ORDER).imm(0)).toBe(0); // the plan's own bytes stay as they are
});

const decodeProgLoad = (attr: Uint8Array) => uapi.decodeAttr(uapi.ProgLoadAttr, attr);

describe('undoing', () => {
  // A map that is created at the second try, without types; programs that load at the second try, with a log;
  // and constants that an old kernel does not bind.
  const harmless = new Set([1, 9, 10, 11, 12]);

  test.each(Array.from({ length: 14 }, (_, n) => n))('a failure of call %d leaves nothing open', n => {
    const sys = failingSys(n);
    if (harmless.has(n)) executeLoad(PLAN, sys).close();
    else expect(() => executeLoad(PLAN, sys)).toThrow(/EPERM/);
    expect([...sys.openFds]).toEqual([]);
  });

  test('a program that is refused for good leaves nothing open', () => {
    const sys = new FakeSys(call => (call.command === commands.BPF_PROG_LOAD ? -EPERM : undefined));
    expect(() => executeLoad(PLAN, sys)).toThrow(expect.objectContaining({ code: 'kernel-program-refused' }));
    expect([...sys.openFds]).toEqual([]);
  });

  test('types that a map does not take are left out', () => {
    const sys = failingSys(1);
    using _object = executeLoad(PLAN, sys);
    const created = sys.calls
      .filter(call => call.command === commands.BPF_MAP_CREATE)
      .map(call => uapi.decodeAttr(uapi.MapCreateAttr, call.attr));
    expect(created[0]).toMatchObject({ map_name: 'counts', btf_key_type_id: 2, btf_value_type_id: 3 });
    expect(created[1]).toMatchObject({
      map_name: 'counts',
      btf_fd: 0,
      btf_key_type_id: 0,
      btf_value_type_id: 0,
    });
  });
});

test('an entry whose program is not loaded is an error, and leaves nothing open', () => {
  const jumps = PLAN.maps.map(map =>
    map.initial.some(({ target }) => target.kind === 'program')
      ? { ...map, initial: [{ index: 1, target: { kind: 'program', program: 'absent' } } as const] }
      : map,
  );
  const sys = new FakeSys();
  expect(() => executeLoad({ ...PLAN, maps: jumps }, sys)).toThrow(/"jumps": entry 1 is "absent"/);
  expect([...sys.openFds]).toEqual([]);
});

test('initial entries are descriptors at their index', () => {
  const updates: { index: number[]; value: number[] }[] = [];
  const sys = new FakeSys((call, fake) => {
    if (call.command !== commands.BPF_MAP_UPDATE_ELEM) return undefined;
    const attr = uapi.decodeAttr(uapi.MapElemAttr, call.attr);
    updates.push({
      index: decodeU32s(fake.memory(attr.key).slice(0, 4)),
      value: decodeU32s(fake.memory(attr.value).slice(0, 4)),
    });
    return undefined;
  });
  using object = executeLoad(PLAN, sys);
  expect(updates.slice(1)).toEqual([
    { index: [1], value: [object.map('counts').fd.number] },
    { index: [0], value: [object.program('two').fd.number] },
  ]);
});

test('an object for the other byte order is refused before anything is created', () => {
  const sys = new FakeSys();
  const other = uapi.HOST_ORDER === 'little' ? 'big' : 'little';
  expect(() => executeLoad({ ...PLAN, byteOrder: other }, sys)).toThrow(
    expect.objectContaining({
      code: 'load-byte-order',
      problems: [expect.objectContaining({ class: 'input' })],
    }),
  );
  expect(sys.calls).toEqual([]);
});

test('a name that is not there is answered with those that are', () => {
  using object = executeLoad(PLAN, new FakeSys());
  expect(() => object.program('three')).toThrow('there is no program "three"; there are: "one", "two"');
  expect(() => object.map('x')).toThrow(/"counts", ".rodata", "outer", "jumps"/);
});

test.each([
  [1, 4096],
  [4096, 4096],
  [4097, 8192],
  [300_000, 524_288],
  [0, 0],
])('a ring buffer of %d bytes gets %d', (size, expected) => {
  expect(ringSize(size, 4096)).toBe(expected);
});
