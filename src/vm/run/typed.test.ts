import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf } from '../../btf/model/testing.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { createMachine } from './machine.ts';

function read(order: string): BpfObject {
  const file = path.join(import.meta.dirname, `../../load/testdata/obj/${order}/typed.bpf.o`);
  return readObject({ name: 'typed.bpf.o', bytes: readFileSync(file) });
}

const PACKET = new Uint8Array(64);
const run = { program: 'watch' };

describe.each(['el', 'eb'])('values of a machine in byte order %s', order => {
  const machine = createMachine(read(order));

  test('variables have names and types', () => {
    expect(machine.globals['limit']).toBe(5);
    machine.globals['limit'] = 2;
    machine.globals['first_port'] = 443; // a constant: nothing was compiled for its value
    expect(machine.run(PACKET, run).verdict).toBe(2);
    expect(machine.globals['total']).toBe(1n);
    expect(machine.globals['last']).toEqual({ saddr: 7, port: 443, proto: 17, class: 0 });
    machine.globals['total'] = 2;
    expect(machine.run(PACKET, run).verdict).toBe(1);
    expect('limit' in machine.globals).toBe(true);
    expect(Object.keys(machine.globals)).toContain('paint');
  });

  test('a variable that does not exist, and a value that does not fit, are refused', () => {
    expect(errorOf(() => machine.globals['limt']).code).toBe('load-no-global');
    expect(errorOf(() => (machine.globals['limit'] = -1)).code).toBe('value-mismatch');
    expect(machine.globals['limit']).toBe(2);
  });

  test('maps have keys and values of C', () => {
    const flows = machine.typedMap('flows');
    const key = { saddr: 7, port: 443, proto: 17, class: 0 };
    const value = flows.lookup(key);
    expect(value).toMatchObject({ name: 'flow', packets: 2n, color: 1, known: true, small: 5, rest: 99 });
    expect(value).toMatchObject({ word: 0x01020304, at: { x: 0, y: -2 } });
    flows.update(key, { packets: 40, color: 'GREEN' });
    expect(flows.lookup(key)).toMatchObject({ name: '', packets: 40n, color: 2 });
    expect([...flows.entries()].map(([found]) => found)).toEqual([key]);
    expect(flows.delete(key)).toBe(true);
    expect(flows.lookup(key)).toBeUndefined();
    expect(errorOf(() => flows.lookup({ saddr: -1 })).code).toBe('value-mismatch');
    expect(flows.map).toBe(machine.map('flows'));
  });

  test('a map for each CPU has one', () => {
    const totals = machine.typedMap('totals');
    expect(totals.lookup(0)).toEqual([2n]);
    totals.update(1, 9);
    expect(totals.lookup(1)).toEqual([9n]);
  });

  test('records have the type of their map, or the one that is named', () => {
    expect(machine.events('records')).toHaveLength(2);
    expect(machine.events('records')[0]).toMatchObject({ number: 0, time: 1n << 40n, flow: { port: 443 } });
    expect(machine.events('plain')[0]).toEqual(new Uint8Array(4));
    expect(machine.events('plain', { value: '__u32' })).toEqual([0, 2]);
    expect(machine.events()).toHaveLength(4);
    machine.run(PACKET, { program: 'send' });
    expect(machine.events('perf')).toMatchObject([{ number: 3, time: 9n, flow: { port: 3 } }]);
  });

  test('a record that is too short for its type, and a type that does not exist, are refused', () => {
    expect(errorOf(() => machine.events('plain', { value: 'struct event' })).code).toBe('value-record');
    expect(errorOf(() => machine.typedMap('plain', { value: 'struct evnt' })).code).toBe('value-no-type');
    expect(errorOf(() => machine.typedMap('plane')).code).toBe('vm-unknown-map');
  });
});
