import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf } from '../../btf/model/testing.ts';
import { readObject } from '../../object/read/read.ts';
import { createMachine } from '../run/machine.ts';
import type { PacketLayers } from './build-packet.ts';
import { check, packets } from './checks.ts';
import { packetDifferences, valueDifferences } from './differences.ts';

const IPV4 = { source: '192.0.2.1', destination: '198.51.100.7' };
const IPV6 = { source: '2001:db8::1', destination: '::ffff:192.0.2.9' };

/** The sum of 16-bit words with carry: 0xffff where the checksum in them is right (RFC 1071). */
function sum(...parts: readonly Uint8Array[]): number {
  const bytes = parts.flatMap(part => [...part]);
  let total = 0n;
  for (let at = 0; at < bytes.length; at += 2)
    total += BigInt(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  while (total > 0xffffn) total = (total & 0xffffn) + (total >> 16n);
  return Number(total);
}

function pseudo(addresses: Uint8Array, length: number, protocol: number): Uint8Array {
  return Uint8Array.of(...addresses, length >> 8, length & 0xff, 0, protocol);
}

describe('packets', () => {
  test.for([
    [{ ipv4: IPV4, udp: { source: 53, destination: 5353 }, payload: 'odd' }, 14, 17],
    [{ ipv4: IPV4, tcp: { source: 1, destination: 2, flags: 'SA' } }, 14, 6],
    [{ ipv4: IPV4, vlans: [7, 8], udp: { source: 1, destination: 2 } }, 22, 17],
  ] as const)('%j have right lengths and checksums', ([layers, at, protocol]) => {
    const bytes = packets.build(layers);
    const header = bytes.subarray(at, at + 20);
    const segment = bytes.subarray(at + 20);
    expect(sum(header)).toBe(0xffff);
    expect(header[9]).toBe(protocol);
    expect(((header[2] ?? 0) << 8) | (header[3] ?? 0)).toBe(bytes.length - at);
    expect(sum(pseudo(header.subarray(12, 20), segment.length, protocol), segment)).toBe(0xffff);
  });

  test('of IPv6 have them too', () => {
    const bytes = packets.build({
      ipv6: IPV6,
      tcp: { source: 1, destination: 2 },
      payload: Uint8Array.of(1, 2, 3),
    });
    const segment = bytes.subarray(54);
    expect(sum(pseudo(bytes.subarray(22, 54), segment.length, 6), segment)).toBe(0xffff);
    expect([...bytes.subarray(22, 54)].map(byte => byte.toString(16)).join(' ')).toBe(
      '20 1 d b8 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0 0 0 0 ff ff c0 0 2 9',
    );
  });

  test('without addresses are what is given', () => {
    expect([...packets.build({ payload: 'a' })]).toEqual([
      2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 97,
    ]);
  });

  test.for<PacketLayers>([
    { ipv4: { ...IPV4, source: '192.0.2' } },
    { ipv4: { ...IPV4, source: '192.0.2.256' } },
    { ipv4: { ...IPV4, ttl: 256 } },
    { ipv4: IPV4, ipv6: IPV6 },
    { ipv6: { ...IPV6, source: '2001:db8' } },
    { ipv6: { ...IPV6, source: '1::2::3' } },
    { ipv6: { ...IPV6, source: '1:2:3:4:5:6:7:8::' } },
    { ipv4: IPV4, udp: { source: -1, destination: 2 } },
    { ipv4: IPV4, tcp: { source: 1, destination: 2, flags: 'X' } },
    { ethernet: { source: '02:00:00:00:00' } },
    { vlans: [4096] },
  ])('%j is refused', layers => {
    expect(errorOf(() => packets.build(layers)).code).toBe('usage-packet');
  });

  test('of a capture are copies, and a capture that is cut off is refused', () => {
    const bytes = readFileSync(path.join(import.meta.dirname, '../../../examples/traffic.pcap'));
    const found = packets.fromCapture(bytes);
    expect(found.length).toBeGreaterThan(5);
    expect(found.every(packet => packet.bytes.length === packet.length && packet.offset === 0)).toBe(true);
    expect(new Set(found.map(packet => packet.bytes.buffer)).size).toBe(found.length);
    expect(errorOf(() => packets.fromCapture(bytes.subarray(0, -3))).code).toBe('capture-truncated');
  });
});

describe('expectations', () => {
  const file = path.join(import.meta.dirname, '../../load/testdata/obj/el/typed.bpf.o');
  const machine = createMachine(readObject({ name: 'typed.bpf.o', bytes: readFileSync(file) }));
  const packet = packets.build({ ipv4: IPV4, udp: { source: 1, destination: 2 } });
  const watch = { program: 'watch' };

  test('hold for what happens', () => {
    check.run(machine, packet, { verdict: 'pass', packet, redirect: null }, watch);
    check.run(machine, packet, { verdict: 'XDP_PASS', metadata: new Uint8Array(0) }, watch);
    check.run(machine, packet, { verdict: 2 }, watch);
    check.value(machine.globals['total'], 3);
    check.value(machine.globals['last'], { port: 80 });
  });

  test('throw what runners show', () => {
    const error = catchError(() => check.run(machine, packet, { verdict: 'drop' }, watch));
    expect(error).toMatchObject({ name: 'AssertionError', code: 'ERR_ASSERTION', actual: 2, expected: 1 });
    expect(error.message).toBe('verdict differs:\n  PASS (2), expected DROP');
    expect(() => check.run(machine, packet, { verdict: 'dorp' }, watch)).toThrow(TypeError);
    expect(() => check.run(machine, packet, { redirect: 3 }, watch)).toThrow('null, expected 3');
  });

  test('show the rows of packets that differ', () => {
    const other = packet.slice();
    other[17] = 0xff;
    expect(packetDifferences(packet, packet.slice())).toEqual([]);
    expect(packetDifferences(packet, other)).toEqual([
      '0010 - 00 ff 00 00 40 00 40 11 4e 95 c0 00 02 01 c6 33',
      '0010 + 00 1c 00 00 40 00 40 11 4e 95 c0 00 02 01 c6 33',
      '          ^^',
    ]);
    expect(packetDifferences(packet, packet.subarray(0, 20))[0]).toBe('42 bytes, expected 20');
  });

  test.for([
    [{ a: 1n, b: 2 }, { a: 1 }, []],
    [{ a: { b: [1, 2] } }, { a: { b: [1, 3] } }, ['a.b[1]: 2, expected 3']],
    [[1, 2], [1], ['2 elements, expected 1']],
    [2n ** 60n, 2 ** 60, ['1152921504606846976n, expected 1152921504606847000']],
    ['a', 'b', ['"a", expected "b"']],
    [undefined, { a: 1 }, ['undefined, expected {"a":1}']],
    [{ a: 5 }, { a: [5] }, ['a: 5, expected [5]']],
    [Uint8Array.of(1), Uint8Array.of(2), ['[0]: 1, expected 2']],
  ] as const)('values: %o and %o', ([actual, expected, lines]) => {
    expect(valueDifferences(actual, expected)).toEqual(lines);
  });
});

function catchError(body: () => unknown): Error {
  try {
    body();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
