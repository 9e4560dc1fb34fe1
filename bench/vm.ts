/**
 * `npm run bench:vm`: what a packet costs in the embedded machine, beside the kernel.
 *
 * The same objects run the same packet in the machine and by `BPF_PROG_TEST_RUN`, one after the other, round after round; each
 * figure is the median of the rounds. Then a capture of a million packets goes through the command. The first part
 * needs root.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSys } from '../src/kernel/open/koffi.ts';
import type { Sys } from '../src/kernel/sys/sys.ts';
import { relinkChain } from '../src/link/relink-chain.ts';
import { executeLoad } from '../src/load/execute/execute.ts';
import type { LoadedObject } from '../src/load/execute/loaded-object.ts';
import { planLoad } from '../src/load/plan/object.ts';
import { preparedAlone } from '../src/load/plan/prepared.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { writeObject } from '../src/object/write/write.ts';
import { PcapWriter } from '../src/vm/capture/writer.ts';
import type { Machine } from '../src/vm/run/api.ts';
import { createMachine } from '../src/vm/run/machine.ts';
import { median, ROOT, writeResults } from './support.ts';

/** Short rounds and many of them: one that another process interrupts does not reach the median. */
const ROUNDS = 101;
const RUNS = 10_000;
const WARM_UP = 40;
const PACKETS = 1_000_000;
const PASS = 2;
const TARGET = 15;

/** Chains of the two example firewalls, one after the other. */
function chainOf(count: number): BpfObject {
  const files = ['first_firewall', 'second_firewall'].map(name => readExample(name));
  const components = Array.from({ length: count }, (_, index) => ({ component: copyOf(files, index) }));
  const result = relinkChain(components);
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result.object;
}

interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function readExample(name: string): NamedFile {
  return { name: `${name}.bpf.o`, bytes: readFileSync(join(ROOT, `examples/obj/el/${name}.bpf.o`)) };
}

/** The same file under a name of its own, so that each component has maps and variables of its own. */
function copyOf(files: readonly NamedFile[], index: number): NamedFile {
  const file = files[index % files.length];
  if (file === undefined) throw new Error('no examples');
  return { name: `${index + 1}-${file.name}`, bytes: file.bytes };
}

/** A UDP packet that all firewalls let pass. */
function packetTo(port: number): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, 0x0800);
  bytes.set([0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 14);
  view.setUint16(34, 40_000);
  view.setUint16(36, port);
  return bytes;
}

interface Subject {
  readonly name: string;
  readonly machine: Machine;
  readonly loaded: LoadedObject;
  readonly machineTimes: number[];
  readonly kernelTimes: number[];
}

function subjectOf(sys: Sys, name: string, object: BpfObject): Subject {
  return {
    name,
    machine: createMachine(object),
    loaded: executeLoad(planLoad(preparedAlone(object)), sys),
    machineTimes: [],
    kernelTimes: [],
  };
}

function timeMachine(machine: Machine, packet: Uint8Array): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < RUNS; i++) {
    if (machine.run(packet).verdict !== PASS) throw new Error('the machine does not pass the packet');
  }
  return Number(process.hrtime.bigint() - start) / RUNS;
}

function measure({ machine, loaded, machineTimes, kernelTimes }: Subject, packet: Uint8Array): void {
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const mine = timeMachine(machine, packet);
    const run = loaded.testRun('chain', packet, { repeat: RUNS });
    if (run.verdict !== PASS) throw new Error('the kernel does not pass the packet');
    if (round < 0) continue; // compilers warm up
    machineTimes.push(mine);
    kernelTimes.push(run.durationNs);
  }
}

function rowOf({ name, machineTimes, kernelTimes }: Subject): string[] {
  const [mine, theirs] = [median(machineTimes), median(kernelTimes)];
  return [name, mine.toFixed(0), theirs.toFixed(0), (mine / theirs).toFixed(1)];
}

interface CaptureRun {
  readonly seconds: number;
  /** Largest resident size of the process. */
  readonly mebibytes: number;
}

/** A million packets of 64 to 1500 bytes through the command, as a user would. */
function runCapture(directory: string, object: BpfObject): CaptureRun {
  const capture = join(directory, 'million.pcap');
  const fd = openSync(capture, 'w');
  const writer = new PcapWriter(bytes => writeSync(fd, bytes), true);
  const packet = new Uint8Array(1500);
  packet.set(packetTo(9000));
  for (let i = 0; i < PACKETS; i++) {
    const length = i % 4 === 0 ? 1500 : 64 + (i % 400);
    writer.write(packet.subarray(0, length), {
      seconds: 1_700_000_000 + Math.floor(i / 1000),
      nanoseconds: i % 1000,
    });
  }
  writer.flush();
  closeSync(fd);
  const file = join(directory, 'chain.o');
  const objectFd = openSync(file, 'w');
  writeSync(objectFd, writeObject(object));
  closeSync(objectFd);
  const started = process.hrtime.bigint();
  const command = [join(ROOT, 'bin/rootlet.js'), 'run', file, '--pcap', capture];
  const timed = spawnSync('/usr/bin/env', ['time', '-f', '%M', process.execPath, ...command], {
    encoding: 'utf8',
  });
  const plain = timed.status === 0 ? timed : spawnSync(process.execPath, command, { encoding: 'utf8' });
  if (plain.status !== 0) throw new Error(`rootlet run failed: ${plain.stderr}`);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  return {
    seconds,
    mebibytes: Number(timed.status === 0 ? timed.stderr.trim().split('\n').at(-1) : 0) / 1024,
  };
}

function main(): void {
  const sys = openSys();
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-vm-'));
  try {
    const chains = [
      { name: 'example chain (2 components)', object: chainOf(2) },
      { name: 'chain of 10 components', object: chainOf(10) },
    ];
    const packet = packetTo(9000);
    const rows = chains.map(({ name, object }) => {
      const subject = subjectOf(sys, name, object);
      measure(subject, packet);
      subject.loaded.close();
      return rowOf(subject);
    });
    const capture = runCapture(directory, chainOf(2));
    report(rows, capture);
    if (rows.some(row => Number(row[3]) > TARGET)) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function report(rows: readonly (readonly string[])[], capture: CaptureRun): void {
  const head = ['object', 'machine ns', 'kernel JIT ns', 'machine ÷ kernel'];
  const table = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
  const memory = capture.mebibytes > 0 ? ` in at most ${capture.mebibytes.toFixed(0)} MiB of memory` : '';
  writeResults(
    'vm',
    [
      `Nanoseconds per packet of 64 bytes, medians of ${ROUNDS} rounds of ${RUNS} runs; the target is at most ${TARGET} times the kernel.`,
      table,
      `\`rootlet run\` on a capture of ${PACKETS} packets (64 to 1500 bytes) with the example chain: ${capture.seconds.toFixed(1)} s${memory}.`,
    ].join('\n\n'),
  );
}

main();
