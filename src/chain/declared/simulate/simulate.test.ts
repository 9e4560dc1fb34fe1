import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { relinkChain } from '../../../link/index.ts';
import { type BpfObject, InputObject } from '../../../object/index.ts';
import { CaptureDecoder, createMachine } from '../../../vm/index.ts';
import type { ChainDesign, ChainHook, DesignMember } from '../../model/index.ts';
import { openChainMachine } from './chain-machine.ts';
import { withInitial } from './initial.ts';
import type { LiveState } from './live.ts';

const HOOK: ChainHook = { kind: 'xdp', direction: null, interface: 'eth0', ifindex: 3, netns: 'net:[1]' };
const FIRST = input('first_firewall');
const SECOND = input('second_firewall');
const PACKETS = packets();

function input(name: string): InputObject {
  const path = `examples/obj/el/${name}.bpf.o`;
  return new InputObject({ name: path, bytes: readFileSync(path) });
}

function packets(): Uint8Array[] {
  const decoder = new CaptureDecoder('traffic.pcap');
  decoder.push(readFileSync('examples/traffic.pcap'));
  const all: Uint8Array[] = [];
  for (let one = decoder.next(); one !== undefined; one = decoder.next())
    all.push(one.bytes.slice(one.offset, one.offset + one.length));
  return all;
}

function member(
  name: string,
  file: InputObject,
  program: string,
  fields: Partial<DesignMember> = {},
): DesignMember {
  return {
    name,
    file,
    program,
    priority: 50,
    continueOn: [2],
    given: { priority: false, continueOn: false },
    settings: { globals: new Map(), maxEntries: new Map() },
    loaded: null,
    adopted: null,
    ...fields,
  };
}

const NOTHING: LiveState = new Map();

function run(design: ChainDesign, live = NOTHING): { verdict: number; member: string | null }[] {
  const machine = openChainMachine(HOOK, design, live);
  try {
    return PACKETS.map(packet => machine.run(packet, undefined));
  } finally {
    machine.close();
  }
}

/** Of the program alone. */
function alone(object: BpfObject, program: string): number[] {
  using machine = createMachine(object, { program });
  return PACKETS.map(packet => machine.run(packet, { ingressIfindex: HOOK.ifindex }).verdict);
}

const chain = (...members: readonly DesignMember[]): ChainDesign => ({ members, failClosed: false });
const one = member('one', FIRST, 'xdp_prog1');
const two = member('two', SECOND, 'xdp_prog2');

test('marks change no verdict, and name the member that decided', () => {
  const linked = relinkChain([{ component: FIRST.object }, { component: SECOND.object }], { final: 'pass' });
  if (!linked.ok) throw new Error('not linked');
  const found = run(chain(one, two));
  expect(found.map(({ verdict }) => verdict)).toEqual(alone(linked.object, 'chain'));
  const first = alone(FIRST.object, 'xdp_prog1');
  expect(found.map(({ member: name }) => name)).toEqual(
    first.map(verdict => (verdict === 2 ? 'two' : 'one')),
  );
  expect(new Set(found.map(({ member: name }) => name)).size).toBe(2);
});

test('a chain of one member has its verdicts; one without members passes all', () => {
  expect(run(chain(two)).map(({ verdict }) => verdict)).toEqual(alone(SECOND.object, 'xdp_prog2'));
  expect(new Set(run(chain()).map(found => `${found.verdict} ${found.member}`))).toEqual(new Set(['2 null']));
});

test('the verdicts that continue are those of the design', () => {
  const never = { continueOn: [], given: { priority: false, continueOn: true } };
  expect(new Set(run(chain({ ...one, ...never }, two)).map(found => found.member))).toEqual(new Set(['one']));
});

test('one file twice: members of their own', () => {
  const found = run(chain(one, member('again', FIRST, 'xdp_prog1')));
  expect(found.some(({ member: name }) => name === 'again')).toBe(true);
});

test('a member without a file is refused', () => {
  expect(() => run(chain(one, { ...two, file: null, loaded: 7 }))).toThrow(
    expect.objectContaining({ code: 'chain-simulate' }),
  );
});

test('contents of a map with another definition are not used, which a note states', () => {
  const map = { type: 1, keySize: 4, valueSize: 4, maxEntries: 1, entries: [], unread: null };
  const name = FIRST.object.symbols.find(({ kind }) => kind === 'map')?.name ?? '';
  const live: LiveState = new Map([['one', { maps: new Map([[name, map]]), variables: new Map() }]]);
  const machine = openChainMachine(HOOK, chain(one), live);
  expect(machine.notes).toEqual([
    `one: map "${name}" begins empty: its definition differs from that of the map that runs`,
  ]);
  machine.close();
});

test.each([
  ['.data', true],
  ['.rodata', false],
])('variables in %s: settings go before what runs, other sizes are not used', (section, isKept) => {
  const variable = FIRST.object.symbols.find(symbol => symbol.kind === 'variable' && symbol.size === 4);
  if (variable?.kind !== 'variable') throw new Error('no variable of 4 bytes');
  const key = `${section}:${variable.name}`;
  const sections = FIRST.object.sections.map((one, at) =>
    at === variable.section ? { ...one, name: section } : one,
  );
  const object = { ...FIRST.object, sections };
  const bytesIn = (globals: ReadonlyMap<string, unknown>, live: ReadonlyMap<string, Uint8Array>) => {
    const found = withInitial(object, globals, live).symbols.find(({ name }) => name === variable.name);
    return found?.kind === 'variable' ? found.bytes : undefined;
  };
  const live = new Map([[key, Uint8Array.of(1, 2, 3, 4)]]);
  // constants are those of the new file
  expect(bytesIn(new Map(), live)).toEqual(isKept ? Uint8Array.of(1, 2, 3, 4) : variable.bytes);
  expect(bytesIn(new Map([[variable.name, 5n]]), live)).toEqual(Uint8Array.of(5, 0, 0, 0));
  expect(bytesIn(new Map([[key, 5]]), live)).toEqual(Uint8Array.of(5, 0, 0, 0));
  expect(bytesIn(new Map(), new Map([[key, Uint8Array.of(1)]]))).toEqual(variable.bytes);
});
