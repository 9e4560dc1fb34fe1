#!/usr/bin/env node
// npm run demo: the founding example, from objects to verdicts. Needs Node and nothing else; where this process may load
// programs, the kernel is asked as well and has to agree. Ends with a status other than 0 if anything disagrees.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RootletError } from '../dist/src/api/index.js';
import { openSys } from '../dist/src/api/kernel.js';
import { link, relink } from '../dist/src/api/link.js';
import { loadObject } from '../dist/src/api/load.js';
import { readObject, writeObject } from '../dist/src/api/object.js';
import { createMachine } from '../dist/src/api/vm.js';

/** @typedef {import('../dist/src/api/object.js').BpfObject} BpfObject */
/** @typedef {import('../dist/src/api/link.js').RelinkReport} RelinkReport */
/** @typedef {import('../dist/src/api/kernel.js').Sys} Sys */

const EXAMPLES = join(dirname(dirname(fileURLToPath(import.meta.url))), 'examples');
const VERDICTS = ['ABORTED', 'DROP', 'PASS', 'TX', 'REDIRECT'];
const XDP_PASS = 2;
const COMPONENTS = [
  { file: 'first_firewall.bpf.o', program: 'xdp_prog1', label: 'first' },
  { file: 'second_firewall.bpf.o', program: 'xdp_prog2', label: 'second' },
];

/** @param {string} text */
const print = text => process.stdout.write(`${text}\n`);
/** @param {number} verdict */
const nameOf = verdict => VERDICTS[verdict] ?? String(verdict);

/** @type {string[]} */
const disagreements = [];

/**
 * @param {string} file
 * @param {'el' | 'eb'} [order]
 */
function input(file, order = 'el') {
  return { name: file, bytes: readFileSync(join(EXAMPLES, 'obj', order, file)) };
}

/** @param {import('../dist/src/api/link.js').LinkResult | import('../dist/src/api/link.js').RelinkResult} result */
function successful(result) {
  if (result.ok) return result;
  throw new RootletError(result.problems);
}

/** Packets of a classic little-endian capture, which is what traffic.pcap is. @param {Buffer} file */
function packetsOf(file) {
  const packets = [];
  for (let at = 24; at + 16 <= file.length; at += 16 + file.readUInt32LE(at + 8))
    packets.push(new Uint8Array(file.subarray(at + 16, at + 16 + file.readUInt32LE(at + 8))));
  return packets;
}

/** An object after it was written and read again: what any other tool would get. @param {BpfObject} object */
function written(object) {
  const bytes = writeObject(object);
  return { bytes, object: readObject({ name: object.name, bytes }) };
}

function staticLink() {
  print('Static linking: first.bpf.o defines what second.bpf.o declares extern\n');
  const result = successful(link([input('first.bpf.o'), input('second.bpf.o')], { name: 'linked.o' }));
  const { bytes } = written(result.object);
  for (const symbol of result.report.symbols)
    if (symbol.binding === 'global' && symbol.kind !== 'extern')
      print(`  ${symbol.declaration.padEnd(58)} ${symbol.section.padEnd(8)} from ${symbol.file}`);
  print(
    `\n  linked.o: ${bytes.length} bytes, ${result.report.types.after} types (${result.report.types.before} before)\n`,
  );
  return result.object;
}

/**
 * @param {readonly number[]} order Indexes into COMPONENTS.
 * @param {'el' | 'eb'} [byteOrder]
 */
function makeChain(order, byteOrder = 'el') {
  const assignments = order.map((component, position) => ({
    slot: `dummy${position + 1}`,
    component: input(COMPONENTS[component]?.file ?? '', byteOrder),
    program: COMPONENTS[component]?.program ?? '',
  }));
  const result = relink(input('rootlet.bpf.o', byteOrder), assignments, { name: 'chain.o' });
  if (!result.ok) throw new RootletError(result.problems);
  return result;
}

/** @param {RelinkReport} report */
function printChain(report) {
  for (const slot of report.slots)
    print(`  ${slot.slot} = ${slot.component}:${slot.program}, now function ${slot.function}`);
  const renamed = report.renames.map(rename => `${rename.from} of ${rename.file} is ${rename.to}`);
  for (const line of renamed) print(`    ${line}`);
  print('');
}

/**
 * Verdicts of a program on all packets, one after the other, with state kept between them.
 * @param {BpfObject} object
 * @param {readonly Uint8Array[]} packets
 * @param {string} program
 */
function runInMachine(object, packets, program) {
  const machine = createMachine(object);
  const verdicts = packets.map(packet => machine.run(packet, { program }).verdict);
  const said = machine.trace();
  machine.close();
  return { verdicts, said };
}

/**
 * @param {Sys} sys
 * @param {BpfObject} object
 * @param {readonly Uint8Array[]} packets
 * @param {string} program
 */
function runInKernel(sys, object, packets, program) {
  const loaded = loadObject(object, sys);
  try {
    return packets.map(packet => loaded.testRun(program, packet).verdict);
  } finally {
    loaded.close();
  }
}

/** The kernel, or why not. @returns {{ sys: Sys } | { reason: string }} */
function askForKernel() {
  try {
    return { sys: openSys() };
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return { reason: error.problems[0]?.message ?? error.message };
  }
}

/**
 * @param {string} what
 * @param {readonly number[]} expected
 * @param {readonly number[]} found
 */
function compare(what, expected, found) {
  const different = expected.flatMap((verdict, index) => (verdict === found[index] ? [] : [index + 1]));
  if (different.length > 0) disagreements.push(`${what}: packets ${different.join(', ')}`);
  return different.length === 0;
}

/** What a chain must do: the first component that does not pass decides. */
class Expected {
  /** @param {readonly (readonly number[])[]} alone Verdicts of each component by itself. @param {readonly number[]} order */
  constructor(alone, order) {
    const count = alone[0]?.length ?? 0;
    /** @type {(number | undefined)[]} Component that decides each packet; undefined when all pass. */
    this.deciders = Array.from({ length: count }, (_, packet) =>
      order.find(component => alone[component]?.[packet] !== XDP_PASS),
    );
    this.verdicts = this.deciders.map((component, packet) =>
      component === undefined ? XDP_PASS : (alone[component]?.[packet] ?? XDP_PASS),
    );
  }
}

/** One line about a packet. @param {Uint8Array} packet */
function describe(packet) {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const tagged = packet.length >= 18 && view.getUint16(12) === 0x8100;
  const type = tagged ? view.getUint16(16) : view.getUint16(12);
  const tag = tagged ? 'VLAN ' : '';
  if (type === 0x0806) return `${tag}ARP`;
  if (type === 0x86dd) return `${tag}IPv6`;
  if (type !== 0x0800) return `${tag}type 0x${type.toString(16)}`;
  const start = tagged ? 18 : 14;
  if (packet.length < start + 20) return `${tag}IPv4, cut short`;
  const source = packet.subarray(start + 12, start + 16).join('.');
  const protocol =
    { 1: 'ICMP', 6: 'TCP', 17: 'UDP' }[packet[start + 9] ?? 0] ?? `protocol ${packet[start + 9]}`;
  const transport = start + ((packet[start] ?? 0) & 15) * 4;
  const hasPort = (protocol === 'TCP' || protocol === 'UDP') && packet.length >= transport + 4;
  return `${tag}${protocol} ${source}${hasPort ? ` to port ${view.getUint16(transport + 2)}` : ''}`;
}

/** @param {readonly (readonly string[])[]} rows */
function printTable(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)));
  for (const row of rows)
    print(
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}`,
    );
  print('');
}

function main() {
  const started = performance.now();
  const packets = packetsOf(readFileSync(join(EXAMPLES, 'traffic.pcap')));
  const kernel = askForKernel();
  const linked = staticLink();

  print('Re-linking: two firewalls, both with foo(), rules and drops, in one rootlet, either way round\n');
  const alone = COMPONENTS.map(({ file, program }) => {
    const { bytes, name } = input(file);
    return runInMachine(readObject({ name, bytes }), packets, program).verdicts;
  });
  const chains = [
    [0, 1],
    [1, 0],
  ].map(order => {
    const result = makeChain(order);
    printChain(result.report);
    const { object } = written(result.object);
    return {
      order,
      object,
      expected: new Expected(alone, order),
      ...runInMachine(object, packets, 'rootlet'),
    };
  });

  print(
    `${packets.length} packets of traffic.pcap: each firewall by itself, then both chains and who decided\n`,
  );
  const [forwards, backwards] = chains;
  if (forwards === undefined || backwards === undefined) return;
  const decided = (/** @type {typeof forwards} */ chain, /** @type {number} */ packet) => {
    const component = COMPONENTS[chain.expected.deciders[packet] ?? -1];
    return `${nameOf(chain.verdicts[packet] ?? 0)}${component === undefined ? '' : ` by ${component.label}`}`;
  };
  printTable([
    ['#', 'packet', 'first', 'second', 'first, second', 'second, first'],
    ...packets.map((packet, index) => [
      String(index + 1).padStart(2),
      describe(packet),
      ...alone.map(verdicts => nameOf(verdicts[index] ?? 0)),
      decided(forwards, index),
      decided(backwards, index),
    ]),
  ]);
  report({ chains, alone, packets, kernel, linked });
  print(
    `${disagreements.length === 0 ? 'All agree' : 'DISAGREEMENTS'} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
  for (const line of disagreements) print(`  ${line}`);
  if (disagreements.length > 0) process.exitCode = 1;
}

/**
 * @param {object} results
 * @param {readonly { order: readonly number[], object: BpfObject, expected: Expected, verdicts: readonly number[], said: readonly string[] }[]} results.chains
 * @param {readonly (readonly number[])[]} results.alone
 * @param {readonly Uint8Array[]} results.packets
 * @param {ReturnType<typeof askForKernel>} results.kernel
 * @param {BpfObject} results.linked
 */
function report({ chains, alone, packets, kernel, linked }) {
  for (const chain of chains) {
    const name = `chain of ${chain.order.map(component => COMPONENTS[component]?.label).join(', ')}`;
    const counts = COMPONENTS.map(({ label }, component) => {
      const expected = chain.expected.deciders.filter(decider => decider === component).length;
      const said = chain.said.filter(line => line.includes(`${label} firewall`)).length;
      if (said !== expected)
        disagreements.push(`${name}: ${label} dropped ${said} packets instead of ${expected}`);
      return `${label} ${said}`;
    });
    const asParts = compare(`${name}, against its parts`, chain.expected.verdicts, chain.verdicts);
    const bigEndian = runInMachine(makeChain(chain.order, 'eb').object, packets, 'rootlet').verdicts;
    const alike = compare(`${name}, big-endian`, chain.verdicts, bigEndian);
    print(`${name}: drops by ${counts.join(', ')}`);
    print(
      `  does what its parts do alone: ${asParts ? 'yes' : 'NO'}; the same compiled for big endian: ${alike ? 'yes' : 'NO'}`,
    );
    if ('sys' in kernel) {
      const found = runInKernel(kernel.sys, chain.object, packets, 'rootlet');
      print(`  the kernel agrees: ${compare(`${name}, kernel`, chain.verdicts, found) ? 'yes' : 'NO'}`);
    }
  }
  if ('reason' in kernel) print(`\nThe kernel was not asked: ${kernel.reason}`);
  else compareRest(kernel.sys, { alone, packets, linked });
  print('');
}

/**
 * @param {Sys} sys
 * @param {{ alone: readonly (readonly number[])[], packets: readonly Uint8Array[], linked: BpfObject }} results
 */
function compareRest(sys, { alone, packets, linked }) {
  const same = COMPONENTS.map(({ file, program, label }, index) => {
    const { bytes, name } = input(file);
    return compare(
      `${label} alone, kernel`,
      alone[index] ?? [],
      runInKernel(sys, readObject({ name, bytes }), packets, program),
    );
  });
  const expected = runInMachine(linked, packets, 'count').verdicts;
  same.push(compare('linked.o, kernel', expected, runInKernel(sys, linked, packets, 'count')));
  print(
    `\nThe kernel agrees about both firewalls by themselves and about linked.o: ${same.every(Boolean) ? 'yes' : 'NO'}`,
  );
}

main();
