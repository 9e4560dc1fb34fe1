/** Which component decided, of linked objects that do not say what they consist of. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { elementAt } from '../bytes/index.ts';
import { link, relink, relinkChain } from '../link/index.ts';
import {
  type BpfObject,
  type ComponentMarks,
  componentsOf,
  InputObject,
  programsOf,
} from '../object/index.ts';
import { CaptureDecoder, createMachine } from './index.ts';

const INPUTS = ['rootlet', 'first_firewall', 'second_firewall', 'main_a', 'main_b'] as const;
const FILES = new Map(INPUTS.map(name => [name, input(name)]));

function input(name: string): InputObject {
  return new InputObject({ name: `${name}.bpf.o`, bytes: readFileSync(`examples/obj/el/${name}.bpf.o`) });
}

function file(name: (typeof INPUTS)[number]): InputObject {
  const found = FILES.get(name);
  if (found === undefined) throw new Error(name);
  return found;
}

function linked(result: ReturnType<typeof relink> | ReturnType<typeof link>): BpfObject {
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.object;
}

function chain(names: readonly (typeof INPUTS)[number][], optimize: boolean): BpfObject {
  const components = names.map(name => ({ component: file(name) }));
  return linked(relinkChain(components, { optimize }));
}

function found(object: BpfObject): ComponentMarks {
  return componentsOf(object, elementAt(programsOf(object), 0).index);
}

/** Verdict and component of each packet. */
function decisions(object: BpfObject): [verdict: number, component: string | undefined][] {
  const { names, marks } = found(object);
  const machine = createMachine(object, { marks });
  const decoder = new CaptureDecoder('traffic.pcap');
  decoder.push(readFileSync('examples/traffic.pcap'));
  const all: [number, string | undefined][] = [];
  for (let one = decoder.next(); one !== undefined; one = decoder.next()) {
    const { verdict } = machine.runRange(one.bytes, one.offset, one.length);
    all.push([verdict, names[machine.takeMark() - 1]]);
  }
  machine.close();
  return all;
}

function count(all: ReturnType<typeof decisions>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [verdict, component] of all) {
    const key = `${verdict} ${component}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

test('a rootlet that was written by hand', () => {
  const object = linked(
    relink(file('rootlet'), [
      { slot: 'dummy1', component: file('first_firewall') },
      { slot: 'dummy2', component: file('second_firewall') },
    ]),
  );
  expect(count(decisions(object))).toEqual({
    '1 first_firewall.bpf.c': 6,
    '1 second_firewall.bpf.c': 6,
    '2 second_firewall.bpf.c': 23,
  });
});

test('slots that are not filled do not count as components', () => {
  expect(found(file('rootlet').object)).toEqual({ names: [], marks: new Map() });
});

test.each([
  ['firewalls', ['first_firewall', 'second_firewall']],
  ['programs of one name', ['main_a', 'main_b']],
  ['four', ['main_a', 'first_firewall', 'main_b', 'second_firewall']],
] as const)('an optimized chain of %s decides as the same chain does with all its functions', (_, names) => {
  const [plain, optimized] = [chain(names, false), chain(names, true)];
  expect([...found(plain).names].sort()).toEqual(names.map(name => `${name}.bpf.c`).sort());
  const wanted = decisions(plain);
  expect(wanted.every(([, component]) => component !== undefined)).toBe(true);
  expect(decisions(optimized)).toEqual(wanted);
});

test('a program without slots has no components', () => {
  const lines = found(linked(link([file('first_firewall')], { name: 'one.o' })));
  expect(lines).toEqual({ names: [], marks: new Map() });
});

test('code without marks returns none', () => {
  const machine = createMachine(chain(['main_a', 'main_b'], false));
  machine.run(new Uint8Array(64));
  expect(machine.takeMark()).toBe(0);
});
