/** Arguments of another type than the public functions take: a `TypeError` that names the argument and what to pass. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { load } from '../../src/dynamic/bind/load.ts';
import { parseArchive } from '../../src/elf/archive.ts';
import { parseElf } from '../../src/elf/parse.ts';
import { attachTo } from '../../src/hooks/attach-words.ts';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { link, linkToBytes } from '../../src/link/link.ts';
import { relink } from '../../src/link/relink.ts';
import { relinkChain } from '../../src/link/relink-chain.ts';
import { inspect } from '../../src/link/report/inspect.ts';
import { loadObject, prepareLoad } from '../../src/load/load.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { createMachine, createMachineAsync } from '../../src/vm/run/machine.ts';

const FILE = 'examples/obj/el/first_firewall.bpf.o';
const bytes = readFileSync(FILE);
const input = { name: FILE, bytes };

/** Arguments as JavaScript passes them, whatever the declared types are. */
type Anything = (...args: readonly unknown[]) => unknown;

/** A function as JavaScript calls it. */
// biome-ignore lint/complexity/noBannedTypes: any function, since its own types are what is got around
function untyped(call: Function): Anything {
  return (...args) => Reflect.apply(call, undefined, args);
}

const object = readObject(input);
const machine = createMachine(object);

const CASES: readonly (readonly [string, () => unknown])[] = [
  ['link: inputs must be at least one input; got an empty array', () => untyped(link)([])],
  [
    'link: inputs must be an array of { name, bytes } or BpfObject; got a string (read the file first)',
    () => untyped(link)('a.o'),
  ],
  [
    'link: inputs[1] must be { name, bytes } or a BpfObject; got a string (read the file first)',
    () => untyped(link)([input, 'a.o']),
  ],
  [
    'link: inputs[0] must be { name, bytes } or a BpfObject; got a Buffer (add its name: { name, bytes })',
    () => untyped(link)([bytes]),
  ],
  [
    'link: inputs[0] must be { name, bytes } or a BpfObject; got a Promise (await it)',
    () => untyped(link)([Promise.resolve(input)]),
  ],
  [
    'link: inputs[0].bytes must be a Uint8Array; got an ArrayBuffer (wrap it: new Uint8Array(buffer))',
    () => untyped(link)([{ name: 'a.o', bytes: new ArrayBuffer(8) }]),
  ],
  [
    "link: inputs[0].name must be a string, the file's name for messages; got undefined",
    () => untyped(link)([{ bytes }]),
  ],
  ['link: options must be an object of options; got a string', () => untyped(link)([input], 'out.o')],
  [
    'link: inputs must be an array of { name, bytes } or BpfObject; got an object without that shape',
    () => untyped(linkToBytes)(input),
  ],
  [
    'relink: rootlet must be { name, bytes } or a BpfObject; got a string (read the file first)',
    () => untyped(relink)('rootlet.o', []),
  ],
  [
    'relink: assignments must be an array of { slot, component }; got an object without that shape',
    () => untyped(relink)(input, { dummy1: input }),
  ],
  [
    'relink: assignments[0].component must be { name, bytes } or a BpfObject; got a string (read the file first)',
    () => untyped(relink)(input, [{ slot: 'dummy1', component: 'first.o' }]),
  ],
  [
    'relink: assignments[0].slot must be a string, the name of a slot; got undefined',
    () => untyped(relink)(input, [{ component: input }]),
  ],
  [
    'relinkChain: components[0].component must be { name, bytes } or a BpfObject; got undefined',
    () => untyped(relinkChain)([input]),
  ],
  [
    'readObject: file must be { name, bytes }; got a Buffer (add its name: { name, bytes })',
    () => untyped(readObject)(bytes, FILE),
  ],
  [
    'parseElf: file must be { name, bytes }; got a string (read the file first)',
    () => untyped(parseElf)(FILE),
  ],
  ['parseArchive: file must be { name, bytes }; got null', () => untyped(parseArchive)(null)],
  [
    'writeObject: input must be a BpfObject (readObject makes one of bytes); got an object without that shape',
    () => untyped(writeObject)(link([input])),
  ],
  [
    'inspect: object must be a BpfObject (readObject makes one of bytes); got a string (read the file first)',
    () => untyped(inspect)(FILE),
  ],
  [
    'createMachine: object must be a BpfObject (readObject makes one of bytes); got an object without that shape',
    () => untyped(createMachine)(input),
  ],
  ['run: packet must be a Uint8Array; got an array', () => untyped(machine.run.bind(machine))([1, 2, 3])],
  ['run: packet must be a Uint8Array; got undefined', () => untyped(machine.run.bind(machine))()],
  [
    'loadObject: input must be a BpfObject (readObject makes one of bytes); got a string (read the file first)',
    () => untyped(loadObject)(FILE),
  ],
  ['loadObject: sys must be what openSys() returns; got undefined', () => untyped(loadObject)(object)],
  [
    'prepareLoad: sys must be what openSys() returns; got an object without that shape',
    () => untyped(prepareLoad)(object, { pinRoot: null }),
  ],
  [
    'load: inputs must be an array of { name, bytes } or BpfObject; got an object without that shape',
    () => untyped(load)(object),
  ],
  [
    'attachProgram: object must be what loadObject() returns; got an object without that shape',
    () => untyped(attachProgram)(object, 'xdp_prog1'),
  ],
  ['attachTo: loaded must be what loadObject() returns; got undefined', () => untyped(attachTo)()],
];

describe('wrong arguments', () => {
  test.for(CASES)('%s', ([message, call]) => {
    expect(call).toThrow(Object.assign(new TypeError(message), { code: 'usage-argument' }));
    expect(call).toThrow(expect.objectContaining({ name: 'TypeError', code: 'usage-argument' }));
  });

  test('of functions that return a promise reject it', async () => {
    await expect(untyped(createMachineAsync)(FILE)).rejects.toThrow(TypeError);
  });
});

describe('what is accepted', () => {
  test('a Buffer, a Uint8Array, and bytes of another realm', async () => {
    const { runInNewContext } = await import('node:vm');
    const foreign = runInNewContext('new Uint8Array(size)', { size: bytes.length });
    foreign.set(bytes);
    for (const one of [bytes, new Uint8Array(bytes), foreign])
      expect(link([{ name: 'a.o', bytes: one }]).ok).toBe(true);
  });

  test('bytes that a getter reads are read once', () => {
    let reads = 0;
    const lazy = {
      name: FILE,
      get bytes() {
        reads++;
        return bytes;
      },
    };
    expect(link([lazy]).ok).toBe(true);
    expect(reads).toBe(1);
  });
});

describe('map() of the machine', () => {
  test('is that of maps, or names what there is', () => {
    expect(machine.map('rules')).toBe(machine.maps.get('rules'));
    expect(() => machine.map('rulez')).toThrow(/has no map "rulez"\n {2}hint: it has .*"rules"/);
  });
});
