/**
 * What components need without referring to it, and what a kernel allows only once in a program: kept,
 * reported, or refused before anything is written.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { BtfBuilder } from '../../../src/btf/model/builder.ts';
import { toRaw } from '../../../src/btf/model/to-raw.ts';
import { droppedInSlots } from '../../../src/dynamic/slots/prepare.ts';
import { encodeInsns, type Insn } from '../../../src/isa/opcodes.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { notLoadedTailCalls } from '../../../src/link/dropped-tail-calls.ts';
import { link } from '../../../src/link/link.ts';
import { checkLimits } from '../../../src/link/passes/limits.ts';
import { loadObject } from '../../../src/load/load.ts';
import { planLoad } from '../../../src/load/plan/object.ts';
import { preparedAlone } from '../../../src/load/plan/prepared.ts';
import { heldPrograms } from '../../../src/object/analysis/needs.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import type { InputObject } from '../../../src/object/read/input.ts';
import { readObject } from '../../../src/object/read/read.ts';
import {
  BPF_MAP_TYPE_ARENA,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_PROG_ARRAY,
} from '../../../src/uapi/map-types.ts';
import { archiveOf, memberOf } from '../../support/archives.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { objectOf, type SymbolSpec } from '../../support/objects.ts';
import { chained, component, firewall, inSlots, namesOf, refusals } from './shapes.ts';

const { sys } = kernelForTests();
const storage = (name: string): SymbolSpec => ({ name, kind: 'map', mapType: BPF_MAP_TYPE_CGROUP_STORAGE });
const arena = (name: string): SymbolSpec => ({ name, kind: 'map', mapType: BPF_MAP_TYPE_ARENA });

/** The object with a tag `exception_callback:NAME` at one of its functions. */
function throwing(object: BpfObject, name: string, callback: string): BpfObject {
  if (object.btf === null) throw new Error('no types');
  const type = object.symbols.find(symbol => symbol.name === name)?.btfId ?? 0;
  const btf = new BtfBuilder(toRaw(object.btf));
  const tag = `exception_callback:${callback}`;
  btf.add({ kind: 'decl_tag', name: tag, type, component: -1, attribute: false });
  return { ...object, btf: btf.build() };
}

describe('needs without a reference', () => {
  test('the arena of a variable stays with the component', () => {
    const seen: SymbolSpec = { name: 'seen', kind: 'variable', section: '.addr_space.1' };
    const object = objectOf('a.o', [
      { name: 'prog', kind: 'function', section: 'xdp', context: 'xdp_md', uses: ['seen'], value: 2 },
      seen,
      arena('space'),
      { name: 'unused', kind: 'map' },
    ]);
    expect(namesOf(chained(inSlots(object)), 'map')).toEqual(['space']);
  });

  test('metadata of components stays for tools', () => {
    const author: SymbolSpec = { name: 'bpf_metadata_author', kind: 'variable', section: '.rodata' };
    const chain = chained(inSlots(component('a.o', [], [author])));
    expect(namesOf(chain, 'variable')).toContain('bpf_metadata_author');
  });
});

describe('programs that an array may call, and nothing refers to', () => {
  const STAGES = objectOf('stages.o', [
    { name: 'entry', kind: 'function', section: 'xdp', context: 'xdp_md', uses: ['stages'], value: 2 },
    { name: 'stage_two', kind: 'function', section: 'xdp', context: 'xdp_md', value: 1 },
    { name: 'other', kind: 'function', section: 'tc', context: '__sk_buff', value: 1 },
    { name: 'stages', kind: 'map', mapType: BPF_MAP_TYPE_PROG_ARRAY },
  ]);
  const assignment = { slot: 'one', component: STAGES, program: 'entry' };
  const NOTE =
    'stages.o: tail calls through "stages", which is filled at run time, cannot reach "stage_two": dropped; keep with --keep stage_two';

  test('are reported when they are dropped', () => {
    const chain = chained([assignment]);
    expect(chain.report.notes).toContain(NOTE);
    expect(namesOf(chain, 'function')).not.toContain('stage_two');
  });

  test.each([{ keep: ['stage_two'] }, { gcSections: false }])('are kept on request: %o', options => {
    const chain = chained([assignment], options);
    expect(chain.report.notes.filter(note => note.includes('tail calls through'))).toEqual([]);
    expect(namesOf(chain, 'function')).toContain('stage_two');
  });

  test('are reported for subprograms of the program as well', () => {
    const object = objectOf('stages.o', [
      { name: 'entry', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['jump'], value: 2 },
      { name: 'jump', kind: 'function', uses: ['stages'], value: 2 },
      { name: 'stage_two', kind: 'function', section: 'xdp', context: 'xdp_md', value: 1 },
      { name: 'stages', kind: 'map', mapType: BPF_MAP_TYPE_PROG_ARRAY },
    ]);
    expect(chained([{ ...assignment, component: object }]).report.notes).toContain(NOTE);
  });

  test('are reported for programs that are kept, each with the arrays that it uses', () => {
    const object = objectOf('stages.o', [
      { name: 'entry', kind: 'function', section: 'xdp', context: 'xdp_md', uses: ['stages'], value: 2 },
      { name: 'second', kind: 'function', section: 'xdp', context: 'xdp_md', uses: ['more'], value: 1 },
      { name: 'third', kind: 'function', section: 'xdp', context: 'xdp_md', value: 1 },
      { name: 'stages', kind: 'map', mapType: BPF_MAP_TYPE_PROG_ARRAY },
      { name: 'more', kind: 'map', mapType: BPF_MAP_TYPE_PROG_ARRAY },
    ]);
    const notes = (program: string, keep: string[]) =>
      chained([{ ...assignment, component: object, program }], { keep })
        .report.notes.filter(note => note.includes('tail calls through'))
        .map(note => note.replace(/.*through ("\w+").*cannot reach (.*): dropped.*/, '$1 $2'));
    expect(notes('entry', ['second'])).toEqual(['"stages" "third"', '"more" "third"']);
    expect(notes('entry', ['second', 'third'])).toEqual([]);
    expect(notes('third', [])).toEqual([]);
  });

  test('do not count where only others look for the array', () => {
    const pinned = objectOf('stages.o', [
      { name: 'entry', kind: 'function', section: 'xdp', context: 'xdp_md', value: 2 },
      { name: 'stage_two', kind: 'function', section: 'xdp', context: 'xdp_md', uses: ['stages'], value: 1 },
      { name: 'stages', kind: 'map', mapType: BPF_MAP_TYPE_PROG_ARRAY, pinning: 1 },
    ]);
    const chain = chained([{ ...assignment, component: pinned }]);
    expect(namesOf(chain, 'map')).toEqual(['stages']);
    expect(chain.report.notes.filter(note => note.includes('tail calls through'))).toEqual([]);
  });

  test('are reported for slots of a running rootlet, where static values keep them', () => {
    const file = { name: 'stages.o', object: STAGES } as unknown as InputObject; // no more of it is used
    const fill = (program: string) => ({ slot: 'one', component: 'stages', program, file });
    expect(droppedInSlots([fill('entry')])).toEqual([
      'stages.o: tail calls through "stages", which is filled at run time, cannot reach "stage_two": dropped; ' +
        'keep with static values in the array (.values = { [0] = &stage_two })',
    ]);
    expect(droppedInSlots([fill('entry'), fill('stage_two')])).toEqual([]);
    expect(droppedInSlots([fill('stage_two')])).toEqual([]);
    expect(droppedInSlots([])).toEqual([]);
  });

  test('are reported when only some programs are loaded', () => {
    expect(notLoadedTailCalls(STAGES, name => name === 'entry')).toEqual([
      'stages.o: tail calls through "stages", which is filled at run time, cannot reach "stage_two": dropped; ' +
        'rootlet load FILE --only entry,stage_two loads them, too',
    ]);
    expect(notLoadedTailCalls(STAGES, () => true)).toEqual([]);
    expect(notLoadedTailCalls(STAGES, name => name === 'stage_two')).toEqual([]);
  });

  test('are reported where the code of a library has the array, also a shared one', () => {
    const library = objectOf('jump.o', [
      { name: 'jump', kind: 'function', uses: ['stages'], value: 2 },
      { name: 'stages', kind: 'map', mapType: BPF_MAP_TYPE_PROG_ARRAY },
    ]);
    const object = objectOf('stages.o', [
      { name: 'entry', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['jump'], value: 2 },
      { name: 'stage_two', kind: 'function', section: 'xdp', context: 'xdp_md', value: 1 },
      { name: 'jump', kind: 'extern function' },
    ]);
    const libraries = [{ name: 'libjump.a', bytes: archiveOf([memberOf(library)]) }];
    for (const options of [{}, { share: ['libjump.a'] }]) {
      const chain = chained([{ ...assignment, component: object }], { libraries, ...options });
      expect(chain.report.notes).toContain(NOTE);
    }
  });

  test('do not count where the array is not used', () => {
    const chain = chained([{ ...assignment, program: 'stage_two' }]);
    expect(chain.report.notes.filter(note => note.includes('tail calls through'))).toEqual([]);
  });
});

describe('what a program may have once', () => {
  test('storages of two components are refused, and written without the check', () => {
    const slots = inSlots(firewall('a', storage('first')), firewall('b', storage('second')));
    expect(refusals(slots)).toEqual([
      ['relink-once', 'has more than one map of type cgroup_storage; the kernel allows one'],
    ]);
    expect(namesOf(chained(slots, { checkLimits: false }), 'map')).toEqual(['first', 'second']);
    expect(refusals(inSlots(firewall('a', storage('first')), firewall('b')))).toEqual([]);
  });

  test('variables of two arenas have no place', () => {
    const seen = (name: string): SymbolSpec => ({ name, kind: 'variable', section: '.addr_space.1' });
    const slots = inSlots(
      firewall('a', seen('one_seen'), arena('first')),
      firewall('b', seen('two_seen'), arena('second')),
    );
    expect(refusals(slots)).toEqual([
      ['relink-once', 'has more than one arena; the kernel allows one'],
      ['relink-once', 'has variables for one of several arenas'],
    ]);
  });

  test('a link writes no object with two arenas and variables; a partial link does', () => {
    const static_ = { binding: 'local' } as const;
    const files = ['a', 'b'].map(letter =>
      objectOf(`${letter}.o`, [
        { name: letter, kind: 'function', section: 'xdp', context: 'xdp_md', uses: ['seen'], value: 2 },
        { name: 'seen', kind: 'variable', section: '.addr_space.1', ...static_ },
        { ...arena('space'), ...static_ },
      ]),
    );
    const result = link(files);
    expect(result.ok ? [] : result.problems.map(({ message, hint }) => [message, hint])).toEqual([
      [
        'has variables for one of several arenas',
        'define the arena in one file, and declare it extern in the others',
      ],
    ]);
    expect(link(files, { partial: true }).ok).toBe(true);
  });

  test('the exception callback of a component would never be called', () => {
    const object = component('a.o', [], [{ name: 'caught', kind: 'function' }]);
    expect(refusals(inSlots(throwing(object, 'prog', 'caught')))).toEqual([
      [
        'relink-exception-callback',
        'calls "prog", whose exception callback "caught" is called for a program only',
      ],
    ]);
    expect(checkLimits(throwing(object, 'prog', 'caught'))).toEqual([]);
  });

  test('is refused by the loader before the kernel is asked', () => {
    const object = firewall('a', storage('first'), storage('second'));
    expect(() => planLoad(preparedAlone(object))).toThrow(
      'fw_a.o: program "a": has more than one map of type cgroup_storage: "first", "second"',
    );
  });
});

test('the loader appends the exception callback of a program, with what that calls', () => {
  const object = throwing(
    component(
      'a.o',
      ['helper'],
      [
        { name: 'caught', kind: 'function', calls: ['log'] },
        { name: 'helper', kind: 'function' },
        { name: 'log', kind: 'function' },
        { name: 'unused', kind: 'function' },
      ],
    ),
    'prog',
    'caught',
  );
  const [program] = planLoad(preparedAlone(object)).programs;
  expect(program?.functions.map(({ name }) => name)).toEqual(['prog', 'helper', 'caught', 'log']);
  expect(heldPrograms(object).size).toBe(0);
});

/** A program that throws 2, and a callback that makes 42 of it. */
const THROWER = `
#include "case.h"
extern void bpf_throw(__u64 cookie) __ksym;
__attribute__((noinline)) int caught(__u64 cookie)
{
	return cookie + 40;
}
SEC("tc") __attribute__((btf_decl_tag("exception_callback:caught"))) int thrower(struct __sk_buff *skb)
{
	bpf_throw(2);
	return 0;
}
LICENSE("GPL");
`;

needs('clang', 'bpf', 'vmlinux-btf').test('a program that throws gets what its callback returns', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-needs-'));
  try {
    const [file = ''] = compileInto(directory, { thrower: THROWER });
    const object = readObject({ name: 'thrower.o', bytes: inputFrom(file).bytes });
    if (sys === undefined) throw new Error('no kernel');
    using loaded = loadObject(object, sys);
    expect(loaded.testRun('thrower', new Uint8Array(64)).verdict).toBe(42);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe('stack above a tail call', () => {
  /** `*(u64 *)(r10 - depth) = 0` before the code of a function. */
  function withCode(object: BpfObject, name: string, insn: Insn): BpfObject {
    const symbols = object.symbols.map(symbol => {
      if (symbol.kind !== 'function' || symbol.name !== name) return symbol;
      const references = symbol.references.map(entry => ({ ...entry, insnIndex: entry.insnIndex + 1 }));
      return { ...symbol, code: Uint8Array.of(...encodeInsns([insn], 'little'), ...symbol.code), references };
    });
    return { ...object, symbols };
  }
  const stack = (depth: number): Insn => ({ opcode: 0x7a, dst: 10, src: 0, offset: -depth, imm: 0 });
  const TAIL_CALL: Insn = { opcode: 0x85, dst: 0, src: 0, offset: 0, imm: 12 };

  test.each([
    [240, []],
    [256, ['relink-tail-stack']],
  ] as const)('%d bytes', (depth, codes) => {
    const object = component('a.o', ['stage'], [{ name: 'stage', kind: 'function' }]);
    const called = withCode(withCode(object, 'prog', stack(depth)), 'stage', TAIL_CALL);
    const problems = checkLimits(called);
    expect(problems.map(({ code }) => code)).toEqual(codes);
    if (problems.length > 0)
      expect(problems[0]).toMatchObject({
        message:
          'has 256 bytes of stack in use where "stage" is called, which uses tail calls; the kernel allows less than 256',
        details: ['prog (256) -> stage'],
      });
    expect(checkLimits(withCode(withCode(object, 'prog', stack(depth)), 'prog', TAIL_CALL))).toEqual([]);
  });
});
