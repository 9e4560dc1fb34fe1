/**
 * Third-party programs: Debian's xdp-tools objects, each plugged into the rootlet beside the first firewall
 * of the examples, must load in the kernel, and machine and kernel must agree on every packet, with the same
 * entries in the maps of both.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { possibleCpus } from '../../../src/kernel/sys/machine.ts';
import { relink } from '../../../src/link/relink.ts';
import type { LoadedObject } from '../../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../../src/load/load.ts';
import { parseMapDefinition } from '../../../src/object/model/map-definition.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import {
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
} from '../../../src/uapi/map-types.ts';
import { CaptureDecoder } from '../../../src/vm/capture/decoder.ts';
import type { Machine } from '../../../src/vm/run/api.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { missing, needs } from '../../support/needs.ts';

const DIRECTORY = '/usr/lib/x86_64-linux-gnu/bpf';
const FILES = existsSync(DIRECTORY)
  ? readdirSync(DIRECTORY).filter(name => name.startsWith('xdpfilt_') && name.endsWith('.o'))
  : [];
const SEED = 20191220;

/** A small generator of equal numbers everywhere (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

function capturedPackets(): Uint8Array[] {
  const decoder = new CaptureDecoder('traffic.pcap');
  decoder.push(readFileSync('examples/traffic.pcap'));
  const packets: Uint8Array[] = [];
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
    packets.push(packet.bytes.slice(packet.offset, packet.offset + packet.length));
  }
  return packets;
}

/** Captured packets with some bytes changed and some cut off, so that most of them still are IP. */
function mutated(packets: readonly Uint8Array[], count: number): Uint8Array[] {
  const random = randomNumbers(SEED);
  return Array.from({ length: count }, () => {
    const packet = (packets[random() % packets.length] ?? new Uint8Array(64)).slice();
    for (let change = random() % 4; change > 0; change--) packet[random() % packet.length] = random() & 0xff;
    return packet.subarray(0, Math.max(14, random() % 4 === 0 ? random() % packet.length : packet.length));
  });
}

function chainWith(file: string): BpfObject {
  const read = (path: string, name: string): { name: string; bytes: Uint8Array } => ({
    name,
    bytes: readFileSync(path),
  });
  const result = relink(read('examples/obj/el/rootlet.bpf.o', 'rootlet.bpf.o'), [
    { slot: 'dummy1', component: read(`${DIRECTORY}/${file}`, file) },
    { slot: 'dummy2', component: read('examples/obj/el/first_firewall.bpf.o', 'first_firewall.bpf.o') },
  ]);
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return readObject({ name: 'chain.o', bytes: writeObject(result.object) });
}

/** The same entries in the filter maps of both: keys from packets, so that they are met; values that say "filter". */
function fillMaps(
  object: BpfObject,
  machine: Machine,
  loaded: LoadedObject,
  packets: readonly Uint8Array[],
): number {
  let filled = 0;
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'map' || !symbol.name.startsWith('filter_')) continue;
    const { type, keySize, valueSize } = parseMapDefinition(object, symbol);
    for (const key of keysFor(symbol.name, keySize, packets)) {
      const value = new Uint8Array(userValueSize(type, valueSize)).fill(0xff);
      loaded.map(symbol.name).update(key, value);
      machine.maps.get(symbol.name)?.update(key, value.slice(0, valueSize));
      filled++;
    }
  }
  return filled;
}

const PER_CPU = new Set([BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LRU_PERCPU_HASH]);

/** Bytes of a value as user space gives it: one for each processor in per-CPU maps. */
function userValueSize(type: number, valueSize: number): number {
  return PER_CPU.has(type) ? Math.ceil(valueSize / 8) * 8 * possibleCpus() : valueSize;
}

function keysFor(name: string, keySize: number, packets: readonly Uint8Array[]): Uint8Array[] {
  const at = name === 'filter_ethernet' ? 0 : name === 'filter_ipv4' ? 26 : name === 'filter_ipv6' ? 22 : 36;
  const keys = packets
    .slice(0, 12)
    .flatMap(packet => (packet.length >= at + keySize ? [packet.slice(at, at + keySize)] : []));
  if (keySize !== 4 || name !== 'filter_ports') return keys;
  return [53, 443, 6000].map(port => Uint8Array.of(port >> 8, port & 0xff, 0, 0));
}

needs('xdp-tools', 'bpf').describe(`xdp-filter's programs beside our firewall (seed ${SEED})`, () => {
  const sys = missing('bpf') === undefined ? openSys() : undefined;
  const packets = [...capturedPackets(), ...mutated(capturedPackets(), 300)];
  const open: LoadedObject[] = [];
  afterAll(() => {
    for (const loaded of open) loaded.close();
  });

  test('there are such objects', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(10);
  });

  describe.each(FILES)('%s', file => {
    test('loads, and machine and kernel agree on verdicts and bytes', () => {
      if (sys === undefined) throw new Error('no kernel');
      const object = chainWith(file);
      const machine = createMachine(object);
      const loaded = loadObject(object, sys, { pinRoot: null });
      open.push(loaded);
      const filled = fillMaps(object, machine, loaded, packets);
      expect(filled).toBeGreaterThan(0);
      const verdicts = new Set<number>();
      packets.forEach((packet, index) => {
        const ours = machine.run(packet);
        const theirs = loaded.testRun('rootlet', packet);
        expect(`${index}: ${ours.verdict}`).toBe(`${index}: ${theirs.verdict}`);
        expect(Buffer.compare(Buffer.from(ours.packet), Buffer.from(theirs.packet)), `packet ${index}`).toBe(
          0,
        );
        verdicts.add(ours.verdict);
      });
      expect(verdicts.size).toBeGreaterThan(1);
    });
  });
});
