import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseBtf } from '../btf/binary/parse.ts';
import { skipModifiers } from '../btf/model/size.ts';
import type { Btf } from '../btf/model/types.ts';
import type { BpfObject } from '../object/model/model.ts';
import { readObject } from '../object/read/read.ts';
import { stripDataSections } from '../object/write/strip-data-sections.ts';
import { TypeFinder } from './names.ts';
import { type CoreTargets, relocateCore } from './relocate.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';
const present = existsSync(VMLINUX);

const EMPTY: Btf = { count: 0, type: () => ({ kind: 'ptr', type: 0 }), kindOf: () => 0, nameOf: () => '' };

const read = (name: string): BpfObject =>
  stripDataSections(
    readObject({ name, bytes: readFileSync(join(import.meta.dirname, 'testdata/obj/el', name)) }),
  );

/** Answers by program, in order of the instructions. */
function answersOf(object: BpfObject, targets: CoreTargets) {
  const { answers } = relocateCore(object, targets);
  return new Map(
    object.symbols.map((symbol, index) => [
      symbol.name,
      answers.filter(answer => answer.functionIndex === index),
    ]),
  );
}

describe.skipIf(!present)(`against this kernel's types${present ? '' : ` (no ${VMLINUX})`}`, () => {
  const types = new TypeFinder(present ? parseBtf(readFileSync(VMLINUX), 'little') : EMPTY);
  const targets: CoreTargets = { main: { name: 'vmlinux', types }, modules: () => [] };
  const answers = answersOf(read('kinds.bpf.o'), targets);
  const resultOf = (program: string) => answers.get(program)?.[0]?.after;

  test('what exists, exists, and what does not, does not', () => {
    const names = [...answers.keys()].filter(name => name.includes('exists'));
    for (const name of names) {
      const absent = /exists_not|exists_nowhere/.test(name) || name === 'type_exists_not_typedef';
      expect([name, resultOf(name)]).toEqual([name, absent ? 0n : 1n]);
    }
    expect(names).toHaveLength(11);
  });

  test('types match when the kernel has all that the program has', () => {
    const names = ['type_matches', 'type_matches_partial', 'type_matches_wrong', 'type_matches_more'];
    expect(names.map(resultOf)).toEqual([1n, 1n, 0n, 0n]);
  });

  test('offsets and sizes are those of the members in the kernel', () => {
    const task = memberOf(types.btf, 'task_struct', 'pid');
    expect(resultOf('offset_pid')).toBe(BigInt(task.byteOffset));
    expect(resultOf('offset_comm3')).toBe(BigInt(memberOf(types.btf, 'task_struct', 'comm').byteOffset + 3));
    expect(resultOf('offset_nested')).toBe(8n);
    expect(resultOf('size_comm')).toBe(16n);
    expect(resultOf('signed_pid')).toBe(1n);
    expect(resultOf('signed_flags')).toBe(0n);
    expect(resultOf('enum_value')).toBe(27n);
    expect(resultOf('enum_value_of_one')).toBe(BigInt(1));
    expect(resultOf('type_id_target')).toBe(BigInt(types.find('task_struct')[0] ?? 0));
    expect(resultOf('type_id_target_not')).toBe(0n);
    expect(resultOf('type_size_not')).toBe(0n);
    expect(resultOf('lshift_plain')).toBe(32n);
    expect(resultOf('rshift_bits')).toBe(61n);
  });

  test('what cannot be answered is poisoned, and says why', () => {
    const poisoned = answersOf(read('poisoned.bpf.o'), targets);
    const whyOf = (program: string) => poisoned.get(program)?.[0];
    expect(whyOf('poisoned_missing')).toMatchObject({
      poisoned: true,
      found: null,
      why: expect.stringContaining('struct task_struct of the target has no such member'),
    });
    expect(whyOf('poisoned_enumerator')).toMatchObject({
      poisoned: true,
      asked: 'enum bpf_map_type___mine::BPF_MAP_TYPE_OF_THE_FUTURE',
    });
    expect(whyOf('poisoned_size')).toMatchObject({
      poisoned: true,
      why: 'its size is 8 bytes here and 4 in the target',
    });
    expect(whyOf('type_id_local')).toMatchObject({ poisoned: false });
  });

  test('relocated objects have nothing left to relocate, and the input keeps its own code', () => {
    const object = read('kinds.bpf.o');
    const before = structuredClone(object.symbols);
    const { object: relocated } = relocateCore(object, targets);
    expect(object.symbols).toEqual(before);
    expect(relocateCore(relocated, targets).answers).toEqual([]);
  });
});

/** A member with a name of its own, not within unnamed structs. */
function memberOf(btf: Btf, struct: string, member: string): { byteOffset: number } {
  for (let id = 1; id <= btf.count; id++) {
    if (btf.nameOf(id) !== struct) continue;
    const type = btf.type(skipModifiers(btf, id));
    const found = type.kind === 'struct' ? type.members.find(({ name }) => name === member) : undefined;
    if (found !== undefined) return { byteOffset: found.bitOffset / 8 };
  }
  throw new Error(`no ${struct}.${member}`);
}
