/**
 * The machine as its user sees it: contexts, state between packets, maps, events, options. In both byte
 * orders.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { readObject } from '../../object/read/read.ts';
import { CaptureDecoder } from '../capture/decoder.ts';
import { formatMapContents, mapContentsJson } from '../values/map-format.ts';
import type { Machine, MachineOptions, RunContext } from './api.ts';
import { createMachine, createMachineAsync } from './machine.ts';

const TESTDATA = fileURLToPath(new URL('../testdata/obj/', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));
const ORDERS = ['el', 'eb'] as const;
type Order = (typeof ORDERS)[number];

const KCONFIG = new Map<string, bigint | string>([
  ['CONFIG_HZ', 250n],
  ['CONFIG_NAME', '"abc"'],
  ['CONFIG_BPF', 'y'],
]);

function fixture(order: Order) {
  return readObject({ name: 'machine.bpf.o', bytes: readFileSync(`${TESTDATA}${order}/machine.bpf.o`) });
}

function machineOf(order: Order, options: MachineOptions = {}): Machine {
  return createMachine(fixture(order), { kconfig: KCONFIG, ...options });
}

function errorOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error.message;
    throw error;
  }
  return 'no error';
}

const PACKET = Uint8Array.from({ length: 64 }, (_, i) => i);

describe.each(ORDERS)('%s', order => {
  const little = order === 'el';
  const verdict = (machine: Machine, program: string, context: RunContext = {}) =>
    machine.run(PACKET, { ...context, program }).verdict;
  const u32 = (...values: readonly number[]) => {
    const bytes = new Uint8Array(values.length * 4);
    const view = new DataView(bytes.buffer);
    values.forEach((value, index) => {
      view.setUint32(index * 4, value, little);
    });
    return bytes;
  };

  test('context of XDP programs', () => {
    const machine = machineOf(order);
    expect(verdict(machine, 'context')).toBe(1064);
    expect(verdict(machine, 'context', { ingressIfindex: 3, rxQueueIndex: 2 })).toBe(3264);
    expect(verdict(machine, 'context')).toBe(1064);
  });

  test('context of socket buffers: what is written comes back', () => {
    const machine = machineOf(order);
    const result = machine.run(PACKET, { program: 'marks', mark: 10, queueMapping: 4, ifindex: 6 });
    expect(result.verdict).toBe(4);
    const view = new DataView(result.context.slice().buffer);
    const field = (offset: number) => view.getUint32(offset, little);
    expect([field(8), field(32), field(56), field(0)]).toEqual([15, 6, 77, 64]);
    expect(verdict(machine, 'context')).toBe(1064);
  });

  test('the virtual clock moves 1 µs with each packet, or with their timestamps, and never back', () => {
    const machine = machineOf(order);
    expect([1, 2, 3].map(() => verdict(machine, 'clock'))).toEqual([1, 2, 3]);
    const at = (seconds: number, nanoseconds: number) =>
      verdict(machine, 'clock', { timestamp: { seconds, nanoseconds } });
    expect(at(1_700_000_000, 0)).toBe(3);
    expect(at(1_700_000_000, 500_000)).toBe(503);
    expect(at(1_700_000_002, 0)).toBe(2_000_003);
    expect(at(1_700_000_001, 0)).toBe(2_000_003);
    expect(verdict(machine, 'clock')).toBe(2_000_004);
    const timestamp = { seconds: 1_700_000_123, nanoseconds: 999_999_999 };
    expect(verdict(machine, 'wall_clock', { timestamp })).toBe(1_700_000_123);
  });

  test('a clock from outside', () => {
    const machine = machineOf(order, { clock: () => 5_000_000_000 });
    expect(verdict(machine, 'clock')).toBe(4_000_000);
  });

  test('random numbers follow the seed', () => {
    const three = (seed: number) => {
      const machine = machineOf(order, { seed });
      return [1, 2, 3].map(() => verdict(machine, 'random'));
    };
    expect(three(1)).toEqual(three(1));
    expect(new Set([...three(1), ...three(2), ...three(0)]).size).toBe(9);
  });

  test('state stays from packet to packet, and is shown by names and types', () => {
    const machine = machineOf(order);
    verdict(machine, 'remember');
    verdict(machine, 'remember');
    const { btf, byteOrder } = fixture(order);
    const shown = (name: string) => {
      const map = machine.maps.get(name);
      return map === undefined ? 'missing' : formatMapContents({ btf, byteOrder }, map);
    };
    expect(shown('flows')).toBe(
      'flows (hash, struct flow → struct entry):\n' +
        '  [{.address = 7, .port = 80}] = {.state = OPEN, .name = "http", .hits = 2, .bits = {.low = 5, .high = 17}}',
    );
    expect(shown('recent')).toBe('recent (lru_hash, __u32 → __u32):\n  [64] = 1');
    expect(shown('lengths')).toBe('lengths (array, __u32 → __u32):\n  [64] = 2\n  99 more elements are zero');
    expect(shown('.data')).toBe(
      '.data (global variables):\n  enum state current = OPEN\n  volatile __u64 counter = 5',
    );
    expect(shown('.rodata')).toContain('  const volatile char label[6] = "label"');
    expect(shown('.bss')).toBe('.bss (global variables):\n  int *pointer = NULL');
    expect(shown('routes')).toBe('routes (lpm_trie):\n  empty');
    expect(machine.trace()).toEqual(['packet of 64 bytes', 'packet of 64 bytes']);
    const flows = machine.maps.get('flows');
    expect(flows === undefined ? null : mapContentsJson({ btf, byteOrder }, flows)).toEqual({
      name: 'flows',
      type: 'hash',
      maxEntries: 16,
      keyType: 'struct flow',
      valueType: 'struct entry',
      entries: [
        {
          key: { address: 7, port: 80 },
          value: { state: 'OPEN', name: 'http', hits: 2, bits: { low: 5, high: 17 } },
        },
      ],
    });
    const data = machine.maps.get('.data');
    expect(data === undefined ? null : mapContentsJson({ btf, byteOrder }, data)).toEqual({
      name: '.data',
      type: 'globals',
      variables: expect.arrayContaining([
        { name: 'current', offset: expect.any(Number), value: 'OPEN' },
        { name: 'counter', offset: expect.any(Number), value: 5 },
      ]),
    });
  });

  test('events of ring buffers and perf event arrays', () => {
    const machine = machineOf(order);
    verdict(machine, 'events');
    verdict(machine, 'events');
    const ring = { map: 'ring', data: Uint8Array.from([1, 2, 3, 4]) };
    const perf = { map: 'perf', data: Uint8Array.from([1, 2, 3, 4, 0, 1]) };
    expect(machine.events()).toEqual([perf, ring, perf, ring]);
    expect(machine.forgotten()).toEqual({ lines: 0, records: 0 });
    for (let run = 2; run < 6000; run++) verdict(machine, 'events');
    const { records } = machine.forgotten();
    expect(records).toBeGreaterThan(0);
    expect(machine.events().length + records).toBe(12_000);
  });

  test('redirects are reported', () => {
    const machine = machineOf(order);
    const run = (program: string, rxQueueIndex: number) => {
      const { verdict, redirect } = machine.run(PACKET, { program, rxQueueIndex });
      return [verdict, redirect];
    };
    expect(run('redirects', 1)).toEqual([2, undefined]);
    machine.maps.get('devices')?.update(u32(1), u32(9));
    expect(run('redirects', 1)).toEqual([
      4,
      { ifindex: null, map: 'devices', key: 1, clone: false, flags: 2 },
    ]);
    expect(run('redirects', 4)).toEqual([2, undefined]);
    expect(run('redirect_out', 0)).toEqual([
      4,
      { ifindex: 42, map: null, key: null, clone: false, flags: 0 },
    ]);
  });

  test('maps filled from outside', () => {
    const machine = machineOf(order);
    const [routes, seen, recent] = ['routes', 'seen', 'recent'].map(name => machine.maps.get(name));
    expect(verdict(machine, 'lookups')).toBe(0);
    routes?.update(Uint8Array.from([...u32(8), 10, 0, 0, 0]), u32(3));
    seen?.update(new Uint8Array(0), u32(5));
    expect(verdict(machine, 'lookups')).toBe(31);
    routes?.update(Uint8Array.from([...u32(16), 10, 10, 0, 0]), u32(4));
    routes?.update(Uint8Array.from([...u32(16), 10, 11, 0, 0]), u32(6));
    expect(verdict(machine, 'lookups')).toBe(41);
    expect(routes?.lookup(Uint8Array.from([...u32(32), 10, 11, 9, 9]))).toEqual(u32(6));
    expect(routes?.delete(Uint8Array.from([...u32(16), 10, 10, 0, 0]))).toBe(true);
    expect(routes?.delete(Uint8Array.from([...u32(16), 10, 10, 0, 0]))).toBe(false);
    expect(verdict(machine, 'lookups')).toBe(31);
    for (const key of [1, 2, 3]) recent?.update(u32(key), u32(key * 10));
    recent?.lookup(u32(1));
    recent?.update(u32(4), u32(40)); // pushes out 2, which was used longest ago
    expect([1, 2, 3, 4].map(key => recent?.lookup(u32(key)))).toEqual([u32(10), undefined, u32(30), u32(40)]);
    expect(errorOf(() => recent?.update(u32(1), u32(1), 1))).toBe('map "recent": the update is refused');
    expect(errorOf(() => recent?.update(u32(1, 2), u32(1)))).toBe('a key of map "recent" has 4 bytes, not 8');
  });

  test('.kconfig externs', () => {
    expect(verdict(machineOf(order), 'config')).toBe(70250);
    const missing = new Map<string, bigint | string>([['CONFIG_HZ', 'many']]);
    const lines = errorOf(() => createMachine(fixture(order), { kconfig: missing })).split('\n');
    expect(lines.filter(line => !line.startsWith('  hint: ')).sort()).toEqual([
      'machine.bpf.o: extern "CONFIG_BPF": has no value',
      'machine.bpf.o: extern "CONFIG_HZ": cannot hold many',
      'machine.bpf.o: extern "CONFIG_NAME": has no value',
    ]);
    const unused = { kconfig: missing, program: 'context' };
    expect(createMachine(fixture(order), unused).programs).toEqual(['context']);
  });

  test('one program of several has to be chosen', () => {
    const machine = machineOf(order);
    expect(errorOf(() => machine.run(PACKET))).toContain(
      'machine.bpf.o has several programs: "context", "clock"',
    );
    expect(errorOf(() => machine.run(PACKET, { program: 'nobody' }))).toContain('has no program "nobody"');
    expect(errorOf(() => machineOf(order, { program: 'nobody' }))).toContain('has no program "nobody"');
    const one = machineOf(order, { program: 'context' });
    expect(one.programs).toEqual(['context']);
    expect(one.run(PACKET).verdict).toBe(1064);
    expect(one.kindOf()).toBe('xdp');
    expect(machineOf(order).kindOf('marks')).toBe('tc');
  });

  test("packets in one buffer, and those that are changed, do not get in each other's way", () => {
    const machine = machineOf(order, { program: 'context' });
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i);
    for (const [offset, length] of [
      [0, 64],
      [10, 20],
      [250, 50],
      [3, 0],
      [0, 300],
      [7, 129],
    ] as const) {
      const result = machine.runRange(bytes, offset, length);
      expect(result.verdict).toBe(1000 + length);
      expect(result.packet).toEqual(bytes.subarray(offset, offset + length));
      expect(result.metadata.length).toBe(0);
    }
    expect(errorOf(() => machine.runRange(bytes, 290, 20))).toContain('does not fit');
  });

  test('a module compiled in the background', async () => {
    const machine = await createMachineAsync(fixture(order), { program: 'context', kconfig: KCONFIG });
    expect(machine.run(PACKET).verdict).toBe(1064);
    machine[Symbol.dispose]();
    expect(errorOf(() => machine.run(PACKET))).toBe('the machine is closed');
  });
});

describe('the examples', () => {
  const packets: Uint8Array[] = [];
  const decoder = new CaptureDecoder('traffic.pcap');
  decoder.push(readFileSync(`${EXAMPLES}traffic.pcap`));
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
    packets.push(packet.bytes.slice(packet.offset, packet.offset + packet.length));
  }

  test.each(['first_firewall', 'second_firewall', 'rootlet'])(
    '%s gives the same verdicts in both byte orders',
    name => {
      const verdicts = ORDERS.map(order => {
        const file = `${name}.bpf.o`;
        const machine = createMachine(
          readObject({ name: file, bytes: readFileSync(`${EXAMPLES}obj/${order}/${file}`) }),
        );
        return packets.map(packet => machine.run(packet).verdict);
      });
      expect(packets.length).toBeGreaterThan(10);
      expect(verdicts[0]).toEqual(verdicts[1]);
    },
  );
});

describe('big-endian objects do what little-endian ones do', () => {
  const load = (order: Order, name: string) =>
    createMachine(
      readObject({ name: `${name}.bpf.o`, bytes: readFileSync(`${TESTDATA}${order}/${name}.bpf.o`) }),
    );

  test.each(['calls', 'text'])('%s', name => {
    const machines = ORDERS.map(order => load(order, name));
    const [little, big] = machines;
    if (little === undefined || big === undefined) throw new Error('two machines');
    for (const program of little.programs) {
      const verdicts = machines.map(machine => machine.run(PACKET, { program }).verdict);
      expect(verdicts[0], program).toBe(verdicts[1]);
      expect(globals(little, 'el', name), program).toEqual(globals(big, 'eb', name));
    }
  });

  /** All global variables by name, through their types. */
  function globals(machine: Machine, order: Order, name: string): unknown {
    const object = readObject({
      name: `${name}.bpf.o`,
      bytes: readFileSync(`${TESTDATA}${order}/${name}.bpf.o`),
    });
    return [...machine.maps.values()]
      .filter(map => map.variables !== null)
      .map(map => mapContentsJson(object, map));
  }
});
