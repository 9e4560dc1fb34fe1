/**
 * What `rootlet types` writes compiles strictly against the types that the package publishes, and gives names and values
 * their types: what is used correctly needs no cast, and what is misspelled does not compile.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { readObject } from '../../src/object/read/read.ts';
import { declareObject } from '../../src/object/typescript/declare-object.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OBJECT = path.join(ROOT, 'src/load/testdata/obj/el/typed.bpf.o');

const USE = `
import { loadObject, type LoadedObject, type BtfValue } from 'rootlet/load';
import { PerfBuffer, RingBuffer, openSys } from 'rootlet/kernel';
import { createMachine, type Machine } from 'rootlet/vm';
import type { BpfObject } from 'rootlet/object';
import type { Types, c } from './typed.d.ts';

declare const input: BpfObject;
const object = loadObject<Types>(input, openSys());
const machine = createMachine<Types>(input);

for (const maps of [object, machine] as const) {
  const stats = maps.typedMap('flows').lookup({ saddr: 1, port: 2n });
  if (stats !== undefined) {
    const packets: bigint = stats.packets;
    const text: string = stats.name;
    const at: number = stats.at.x + stats.bytes[3];
    const isGreen: boolean = stats.color === 2;
    console.log(packets, text, at, isGreen);
    // @ts-expect-error no such member
    stats.paquets;
    // @ts-expect-error wide numbers are bigint
    const narrow: number = stats.packets;
  }
  maps.typedMap('flows').update({ saddr: 1 }, { packets: 5, list: [1, 2], name: 'a' });
  maps.typedMap('totals').update(1, 2);
  const totals: readonly bigint[] | undefined = maps.typedMap('totals').lookup(0);
  for (const [key, value] of maps.typedMap('flows').entries()) console.log(key.port + 1, value.packets + 1n);
  // @ts-expect-error no such map
  maps.typedMap('flaws');
  // @ts-expect-error a key of another type
  maps.typedMap('flows').lookup(5);
  // @ts-expect-error no such member
  maps.typedMap('flows').update({ saddr: 1 }, { paquets: 1 });
  // @ts-expect-error records have no keys
  maps.typedMap('records').lookup(0);

  const total: bigint = maps.globals.total;
  maps.globals.total = 5;
  maps.globals.limit = maps.globals.limit + 1;
  maps.globals.last = { port: 5 };
  maps.globals.paint = 2;
  // @ts-expect-error a constant
  maps.globals.first_port = 5;
  // @ts-expect-error no such variable
  maps.globals.limt = 5;
  // @ts-expect-error a text
  maps.globals.limit = '5';
  console.log(total, totals);
}

using ring = new RingBuffer(object.typedMap('records'));
for await (const event of ring) {
  const time: bigint = event.time;
  const port: number = event.flow.port;
  console.log(time, port);
  // @ts-expect-error no such member
  event.tyme;
}
for await (const { cpu, data } of new PerfBuffer(object.typedMap('perf'))) console.log(cpu + data.number);
for await (const bytes of new RingBuffer(object.map('plain'))) console.log(bytes.length);
// @ts-expect-error the records of a map alone are bytes
new RingBuffer<c.event>(object.map('plain'));
for (const event of machine.events('records')) console.log(event.time + 1n, event.flow.port);
object.program('watch').close();
object.testRun('watch', new Uint8Array(64));
// @ts-expect-error no such program
object.program('wotch');

// an object of which nothing is known, as before
const plain: LoadedObject = loadObject(input, openSys());
const value: BtfValue | Uint8Array | undefined = plain.typedMap('any').lookup({ some: 1 });
plain.typedMap('any').update('x', [1n]);
plain.globals['limit'] = 5;
plain.program('any');
const other: Machine = createMachine(input);
for await (const bytes of new RingBuffer(plain.map('any'))) console.log(bytes.byteLength, value, other.maps.size);
// what takes any object takes one with types
const general: LoadedObject = object;
const anyMachine: Machine = machine;
console.log(general.notes, anyMachine.programs);
`;

const FILES = new Map([
  [
    path.join(ROOT, 'typed.d.ts'),
    declareObject(readObject({ name: 'typed.bpf.o', bytes: readFileSync(OBJECT) })).text,
  ],
  [path.join(ROOT, 'use-types.mts'), `${USE}\nexport {};\n`],
]);

test('the declarations of an object compile strictly, and names and values have their types', () => {
  expect(existsSync(path.join(ROOT, 'dist/src/api/index.d.ts')), 'npm run build').toBe(true);
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    isolatedModules: true,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = name => FILES.has(name) || fileExists(name);
  host.readFile = name => FILES.get(name) ?? readFile(name);
  host.getSourceFile = (name, target, ...rest) => {
    const code = FILES.get(name);
    return code === undefined
      ? getSourceFile(name, target, ...rest)
      : ts.createSourceFile(name, code, target, true);
  };
  const program = ts.createProgram([...FILES.keys()], options, host);
  const found = [...FILES.keys()].flatMap(name => {
    const source = program.getSourceFile(name);
    return source === undefined ? [] : ts.getPreEmitDiagnostics(program, source);
  });
  const text = found.map(({ file, start, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line;
    const code = file?.text.split('\n')[line] ?? '';
    return `${code.trim()}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  expect(text).toEqual([]);
});
