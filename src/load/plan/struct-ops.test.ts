import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BtfBuilder, editBtf } from '../../btf/model/builder.ts';
import type { BtfMember, BtfType } from '../../btf/model/types.ts';
import { TypeFinder } from '../../core/names.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import type { Sys } from '../../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../../kernel/testing.ts';
import * as uapi from '../../kernel/uapi/uapi.ts';
import type { BpfObject, VariableSymbol } from '../../object/model/index.ts';
import { readObject } from '../../object/read/read.ts';
import * as commands from '../../uapi/commands.ts';
import { type KernelTypes, openKernelTypes } from '../externs/kernel-types.ts';
import { loadObject, prepareLoad } from '../load.ts';
import { findAttachTypes } from './attach-types.ts';
import { findOperations } from './struct-ops.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const read = (name: string) =>
  readObject({
    name: `${name}.bpf.o`,
    bytes: readFileSync(join(import.meta.dirname, '..', 'testdata/obj/el', `${name}.bpf.o`)),
  });
const OPERATIONS = read('operations');

/** A kernel whose module "ops" (BTF object 5) has struct rootlet_ops, with a member more before it. */
function kernelWithModule(stop = 'stop'): KernelTypes {
  const builder = new BtfBuilder();
  const int = builder.add({
    ...{ kind: 'int', name: 'int', size: 4, bits: 32, bitOffset: 0 },
    ...{ signed: true, char: false, bool: false },
  });
  const proto = builder.add({ kind: 'func_proto', returns: int, params: [] });
  const pointer = builder.add({ kind: 'ptr', type: proto });
  const member = (name: string, type: number, at: number) => ({ name, type, bitOffset: at * 8, bitSize: 0 });
  const vmlinux = { name: 'vmlinux', types: new TypeFinder(builder.build()), btfObject: 0 };
  const split = new BtfBuilder(vmlinux.types.btf);
  const members = [member('version', int, 0), member(stop, pointer, 8), member('start', pointer, 16)];
  const ops = split.add({ kind: 'struct', name: 'rootlet_ops', size: 24, members });
  const value = [member('refcnt', int, 0), member('data', ops, 64)];
  split.add({ kind: 'struct', name: 'bpf_struct_ops_rootlet_ops', size: 128, members: value });
  const module = { name: 'ops', types: new TypeFinder(split.build()), btfObject: 5 };
  return { vmlinux: () => vmlinux, modules: () => [module] };
}

describe('operations of a module', () => {
  const path = join(import.meta.dirname, '..', '../../test/cases/struct-ops/obj/el/a.bpf.o');
  const object = readObject({ name: 'a.bpf.o', bytes: readFileSync(path) });
  const kernelTypes = kernelWithModule();
  const load = (fake: FakeSys) => loadObject(object, fake, { kernelTypes });
  const attrsOf = (fake: FakeSys, command: number) =>
    fake.calls.filter(call => call.command === command).map(call => call.attr);

  test('their map and their programs name the module by a descriptor, which is closed', () => {
    const fake = new FakeSys(({ command }, self) => {
      if (command !== commands.BPF_BTF_GET_FD_BY_ID) return undefined;
      self.openFds.add(555);
      return 555;
    });
    {
      using loaded = load(fake);
      expect(loaded.map('ops_a').valueSize).toBe(128);
    }
    const maps = attrsOf(fake, commands.BPF_MAP_CREATE).map(attr =>
      uapi.decodeAttr(uapi.MapCreateAttr, attr),
    );
    const ops = kernelTypes.modules('')[0]?.types.btf;
    expect(maps.at(-1)).toMatchObject({
      map_type: 26,
      map_flags: 1 << 15,
      value_type_btf_obj_fd: 555,
      btf_vmlinux_value_type_id: ops?.count,
    });
    const [program] = attrsOf(fake, commands.BPF_PROG_LOAD).slice(-1);
    expect(uapi.decodeAttr(uapi.ProgLoadAttr, program ?? new Uint8Array(0))).toMatchObject({
      attach_btf_id: (ops?.count ?? 0) - 1,
      attach_prog_fd: 555,
      expected_attach_type: 2, // the third member there
    });
    expect([...fake.openFds]).toEqual([]);
  });

  describe('a member that the kernel lacks', () => {
    const both = readObject({
      name: 'b.bpf.o',
      bytes: readFileSync(path.replace('a.bpf.o', 'b.bpf.o')),
    });
    const planned = (of: BpfObject) => {
      const { plan } = prepareLoad(of, new FakeSys(), { kernelTypes: kernelWithModule('halt') });
      return { programs: plan.programs.map(({ name }) => name), notes: plan.notes };
    };
    const member = 'b.bpf.o: operations "ops_b": member "stop": does not exist in this kernel';

    test('its program is left out, with a note', () => {
      const note = `${member}: program "stop_b" is not loaded`;
      expect(planned(both)).toEqual({ programs: ['start_b'], notes: [note] });
      expect(prepareLoad(both, new FakeSys(), { kernelTypes }).plan.notes).toEqual([]);
    });

    test('a program that is another operation as well is loaded', () => {
      const start = both.symbols.findIndex(({ name }) => name === 'start_b');
      const symbols = both.symbols.map(symbol =>
        symbol.kind === 'variable' && symbol.name === 'ops_b'
          ? { ...symbol, references: symbol.references.map(one => ({ ...one, symbol: start })) }
          : symbol,
      );
      const sections = both.sections.map(one =>
        one.name.endsWith('/stop_b') ? { ...one, name: '?struct_ops/stop_b' } : one,
      );
      const note = `${member}: program "start_b" is not called for it`;
      expect(planned({ ...both, symbols, sections })).toEqual({
        programs: ['start_b'],
        notes: [note],
      });
    });

    test('without a value nothing is reported', () => {
      expect(planned(object)).toEqual({ programs: ['start_a'], notes: [] });
    });
  });

  describe('what the kernel cannot have as operations', () => {
    const struct = (change: (members: readonly BtfMember[], int: number) => readonly BtfMember[]) => {
      const { btf } = object;
      if (btf === null) throw new Error('no types');
      const types = Array.from({ length: btf.count }, (_, at) => [at + 1, btf.type(at + 1)] as const);
      const int = types.find(([, type]) => type.kind === 'int' && type.size === 4)?.[0] ?? 0;
      const edits = types.flatMap(([id, type]): [number, BtfType][] =>
        type.kind === 'struct' && type.name === 'rootlet_ops'
          ? [[id, { ...type, members: change(type.members, int) }]]
          : [],
      );
      return { ...object, btf: editBtf(btf, new Map(edits)) };
    };
    const table = (change: (symbol: VariableSymbol) => VariableSymbol): BpfObject => ({
      ...object,
      symbols: object.symbols.map(one =>
        one.kind === 'variable' && one.name === 'ops_a' ? change(one) : one,
      ),
    });
    const inside = table(one => ({
      ...one,
      references: one.references.map(reference => ({ ...reference, addend: 8 })),
    }));
    const untyped = table(one => ({ ...one, btfId: 0 }));
    const other = struct((members, int) => members.map(one => ({ ...one, type: int })));
    const field = struct((members, int) => members.map(one => ({ ...one, type: int, bitSize: 1 })));

    test.each<readonly [string, string, BpfObject, RegExp]>([
      ['load-operations', 'an address in a program', inside, /cannot be "start_a": it is not a program/],
      ['load-operations', 'no type', untyped, /has no BTF/],
      ['load-operations', 'a bit field', field, /is a bit field, which cannot be copied/],
      ['load-operations-kernel', 'another kind', other, /is a int here and a ptr in the kernel/],
    ])('%s: %s', (code, _, refused, words) => {
      const find = () => findOperations(refused, kernelTypes);
      expect(find).toThrow(expect.objectContaining({ code }));
      expect(find).toThrow(words);
      expect(findOperations(object, kernelTypes).tables).toHaveLength(1);
    });
  });

  test('a module that is gone by then', () => {
    const fake = new FakeSys(({ command }) => (command === commands.BPF_BTF_GET_FD_BY_ID ? -2 : undefined));
    expect(() => load(fake)).toThrow(expect.objectContaining({ code: 'kernel-module-gone' }));
    expect([...fake.openFds]).toEqual([]);
  });
});

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('tables are maps after all others; what only a "?" section or an absent member names is not loaded', () => {
    const { plan } = prepareLoad(OPERATIONS, kernel);
    expect(plan.notes).toEqual([
      'operations.bpf.o: operations "flavoured": member "unheard_of": does not exist in this kernel: ' +
        'program "unheard_of" is not loaded',
    ]);
    expect(plan.maps.map(({ name, kernelName }) => [name, kernelName])).toEqual([
      ['written', 'written'],
      ['linked', 'linked'],
      ['flavoured', 'flavoured'],
    ]);
    expect(plan.maps.map(map => map.flags)).toEqual([0, 8192, 8192]);
    expect(plan.programs.map(program => program.name)).toEqual(['ssthresh', 'cong_avoid', 'undo_cwnd']);
    const members = plan.programs.map(program => program.type.expectedAttachType);
    expect(new Set(members).size).toBe(3); // each its own member of the kernel's type
    expect(plan.programs.map(program => program.attach?.member)).toEqual(members);
  });

  test('operations of a table are loaded with it, whatever their sections and the caller ask for', () => {
    const sections = OPERATIONS.sections.map(section =>
      section.name.startsWith('struct_ops/') ? { ...section, name: `?${section.name}` } : section,
    );
    const names = ['ssthresh', 'cong_avoid', 'undo_cwnd'];
    const { plan } = prepareLoad({ ...OPERATIONS, sections }, kernel);
    expect(plan.programs.map(program => program.name)).toEqual(names);
    const one = prepareLoad(OPERATIONS, kernel, { programs: name => name === 'ssthresh' });
    expect(one.plan.programs.map(program => program.name)).toEqual(names);
  });

  test('values are laid out as the kernel lays them out, whatever the order here', () => {
    const { tables } = findOperations(OPERATIONS, openKernelTypes(kernel));
    const [written, linked, flavoured] = tables.map(table => table.operations);
    const text = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString('latin1');
    expect(text(linked?.value)).toContain('rootlet_two');
    expect(flavoured?.value).toEqual(linked?.value);
    expect([...(flavoured?.programs ?? [])].sort((a, b) => a.offset - b.offset)).toEqual(
      [...(linked?.programs ?? [])].sort((a, b) => a.offset - b.offset),
    );
    expect(written?.value.filter(byte => byte === 1)).toHaveLength(1); // .flags
  });

  test('an operation that is in no table is named before the kernel is asked', () => {
    const types = openKernelTypes(kernel);
    const operations = { ...findOperations(OPERATIONS, types), unused: new Set<string>() };
    expect(() => findAttachTypes(OPERATIONS, types, operations, {})).toThrow(
      /program "unheard_of": is a struct_ops program, but not in a struct_ops map/,
    );
  });

  test('operations that the kernel does not know', () => {
    const path = join(import.meta.dirname, '..', '../../test/cases/struct-ops/obj/el/a.bpf.o');
    const before = countFds();
    expect(() => loadObject(readObject({ name: 'a.bpf.o', bytes: readFileSync(path) }), kernel)).toThrow(
      'a.bpf.o: operations "ops_a": this kernel has no struct_ops type "rootlet_ops"',
    );
    expect(countFds()).toBe(before);
  });
});
