/** The founding example: the result of `relink`, and how Debian's tools read it. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { RelinkReport } from '../../../src/link/relink/report.ts';
import { relink } from '../../../src/link/relink.ts';
import { type BpfObject, programsOf } from '../../../src/object/model/index.ts';
import { parseMapDefinition } from '../../../src/object/model/map-definition.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { needs } from '../../support/needs.ts';

const directory = mkdtempSync(join(tmpdir(), 'rootlet-relink-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ORDERS = ['el', 'eb'] as const;

function example(order: string, name: string): { name: string; bytes: Uint8Array } {
  return { name: `${name}.bpf.o`, bytes: readFileSync(`examples/obj/${order}/${name}.bpf.o`) };
}

function chain(order: string, first: string, second: string): { object: BpfObject; report: RelinkReport } {
  const result = relink(example(order, 'rootlet'), [
    { slot: 'dummy1', component: example(order, first) },
    { slot: 'dummy2', component: example(order, second) },
  ]);
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result;
}

function names(object: BpfObject, kind: string): string[] {
  return object.symbols
    .filter(symbol => symbol.kind === kind && symbol.name !== '')
    .map(symbol => symbol.name);
}

/** Names that a function calls, in order. */
function calls(object: BpfObject, name: string): string[] {
  const symbol = object.symbols.find(candidate => candidate.kind === 'function' && candidate.name === name);
  if (symbol?.kind !== 'function') throw new Error(`no function ${name}`);
  return symbol.references
    .filter(reference => reference.kind === 'call')
    .map(reference => object.symbols[reference.symbol]?.name ?? '');
}

describe.each(ORDERS)('two firewalls with the same names (%s)', order => {
  const { object, report } = chain(order, 'first_firewall', 'second_firewall');

  test('each keeps its own function, map and global', () => {
    expect(names(object, 'function')).toEqual([
      'rootlet',
      'first_foo',
      'is_default',
      'xdp_prog1',
      'second_foo',
      'destination_port',
      'xdp_prog2',
    ]);
    expect(names(object, 'map')).toEqual(['first_rules', 'second_rules']);
    expect(names(object, 'variable')).toEqual(
      expect.arrayContaining(['first_drops', 'second_drops', 'first_port', 'last_port']),
    );
  });

  test('the rootlet calls the programs in the place of its slots', () => {
    expect(calls(object, 'rootlet')).toEqual(['xdp_prog1', 'xdp_prog2']);
    expect(calls(object, 'xdp_prog1')).toEqual(['first_foo']);
    expect(calls(object, 'xdp_prog2')).toEqual(['second_foo']);
    expect(calls(object, 'second_foo')).toEqual(['destination_port']);
  });

  test('the result has one program; nothing of the slots is left', () => {
    expect(programsOf(object).map(entry => entry.program.name)).toEqual(['rootlet']);
    const types = Array.from({ length: object.btf?.count ?? 0 }, (_, index) => object.btf?.nameOf(index + 1));
    expect(types).not.toContain('dummy1');
    expect(types.filter(name => name === 'first_foo')).toHaveLength(1);
    expect(types).not.toContain('foo');
  });

  test('the two maps keep their own definitions', () => {
    const definitions = object.symbols.flatMap(symbol =>
      symbol.kind === 'map' ? [parseMapDefinition(object, symbol)] : [],
    );
    expect(definitions.map(({ name, type, maxEntries }) => [name, type, maxEntries])).toEqual([
      ['first_rules', 1, 1024],
      ['second_rules', 2, 65536],
    ]);
  });

  test('line information is that of each component', () => {
    const files = object.symbols.flatMap(symbol =>
      symbol.kind === 'function' ? [[symbol.name, symbol.lines.at(0)?.file]] : [],
    );
    expect(Object.fromEntries(files)).toMatchObject({
      rootlet: './rootlet.bpf.c',
      first_foo: expect.stringMatching(/packet\.h|first_firewall/),
      xdp_prog2: './second_firewall.bpf.c',
    });
  });

  test('the report says what is where', () => {
    expect(report.slots).toMatchObject([
      { slot: 'dummy1', component: 'first_firewall.bpf.o', program: 'xdp_prog1', function: 'xdp_prog1' },
      { slot: 'dummy2', component: 'second_firewall.bpf.o', program: 'xdp_prog2', function: 'xdp_prog2' },
    ]);
    expect(report.renames).toContainEqual({
      file: 'first_firewall.bpf.o',
      kind: 'function',
      from: 'foo',
      to: 'first_foo',
      reason: 'clash',
      namesake: { file: 'second_firewall.bpf.o', kind: 'function' },
    });
  });

  test('rootlet’s output is a fixed point', () => {
    const once = writeObject(object);
    expect(
      Buffer.compare(
        Buffer.from(writeObject(readObject({ name: 'chain.o', bytes: once }))),
        Buffer.from(once),
      ),
    ).toBe(0);
  });

  test('the other order calls them the other way round', () => {
    expect(calls(chain(order, 'second_firewall', 'first_firewall').object, 'rootlet')).toEqual([
      'xdp_prog2',
      'xdp_prog1',
    ]);
  });

  test('entry programs of one name are distinguished', () => {
    const { object: both } = chain(order, 'main_a', 'main_b');
    expect(calls(both, 'rootlet')).toEqual(['main_a_xdp_main', 'main_b_xdp_main']);
  });
});

test('a slot may stay empty', () => {
  const result = relink(example('el', 'rootlet'), [{ slot: 'dummy2', component: example('el', 'main_a') }]);
  if (!result.ok) throw new Error('refused');
  expect(calls(result.object, 'rootlet')).toEqual(['dummy1', 'xdp_main']);
  expect(result.report.slots[0]).toMatchObject({
    slot: 'dummy1',
    component: null,
    program: null,
    function: 'dummy1',
  });
});

describe('what does not fit', () => {
  const cases = [
    {
      what: 'no such slot',
      slot: 'dummy3',
      component: 'main_a',
      text: 'has no such slot: "dummy3"; there are: "dummy1", "dummy2"',
    },
    {
      what: 'the program itself',
      slot: 'rootlet',
      component: 'main_a',
      text: 'is a program of the rootlet, not a slot: "rootlet"; there are: "dummy1", "dummy2"',
    },
    {
      what: 'no such program',
      slot: 'dummy1',
      component: 'main_a',
      program: 'xdp_mian',
      text: 'has no program "xdp_mian"; there are: "xdp_main"',
    },
    { what: 'no program at all', slot: 'dummy1', component: 'first', text: 'has no program' },
  ];
  test.each(cases)('$what', ({ slot, component, program, text }) => {
    const assignment = {
      slot,
      component: example('el', component),
      ...(program === undefined ? {} : { program }),
    };
    const result = relink(example('el', 'rootlet'), [assignment]);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.problems.map(problem => problem.message)).toEqual([text]);
  });

  test('a slot filled twice', () => {
    const twice = ['main_a', 'main_b'].map(name => ({ slot: 'dummy1', component: example('el', name) }));
    const result = relink(example('el', 'rootlet'), twice);
    expect(!result.ok && result.problems[0]?.code).toBe('relink-slot-twice');
  });

  test('mixed byte orders', () => {
    const result = relink(example('el', 'rootlet'), [{ slot: 'dummy1', component: example('eb', 'main_a') }]);
    expect(!result.ok && result.problems[0]?.code).toBe('link-byte-order');
  });
});

// --- the peers ----------------------------------------------------------------------------------------------------

function tool(command: string, ...args: string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}${result.stdout}`);
  return result.stdout + result.stderr;
}

function write(name: string, object: BpfObject): string {
  const path = join(directory, name);
  writeFileSync(path, writeObject(object));
  return path;
}

needs('bpftool', 'llvm-objdump', 'llvm-readelf').describe('read by others', () => {
  test.each(ORDERS)('%s: readelf has no warning, objdump names the functions', order => {
    const path = write(`${order}.o`, chain(order, 'first_firewall', 'second_firewall').object);
    expect(tool('llvm-readelf-19', '-a', path)).not.toMatch(/warning/i);
    expect(tool('llvm-objdump-19', '-dr', path)).toMatch(
      /R_BPF_64_64\s+second_rules[\s\S]*R_BPF_64_32\s+xdp_prog1/,
    );
  });

  test('bpftool reads the types and makes a skeleton', () => {
    const path = write('skeleton.o', chain('el', 'first_firewall', 'second_firewall').object);
    expect(tool('bpftool', 'btf', 'dump', 'file', path)).toMatch(
      /FUNC 'first_foo' type_id=\d+ linkage=global/,
    );
    expect(tool('bpftool', 'gen', 'skeleton', path)).toMatch(/first_rules[\s\S]*second_rules/);
  });
});

needs('bpftool', 'bpf').test(
  'libbpf loads the chain, and the verifier sees the lines of both firewalls',
  () => {
    const path = write('load.o', chain('el', 'first_firewall', 'second_firewall').object);
    const mount = mkdtempSync(join(directory, 'bpffs-'));
    const script = `mount -t bpf -o mode=0700 bpf ${mount} && bpftool -d prog load ${path} ${mount}/chain && rm ${mount}/chain`;
    const log = tool('unshare', '-m', 'sh', '-c', script);
    expect(log).toMatch(/seen\+\+;[\s\S]*drops\+\+;[\s\S]*drops\[ip->protocol\]\+\+;/);
  },
);
