/** Debian's xdp-loader in the virtual machine, on one end of a wire: what it does, and what is in the kernel after it. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { openById } from '../../../src/kernel/objects/info.ts';
import { BpfMap } from '../../../src/kernel/objects/map.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import { type MemberSpec, memberPacket, membersThatRan, writeMember } from '../../support/chain-members.ts';
import { type Passage, type PeerStatus, parseStatus } from '../../support/xdp-loader.ts';
import { sys } from './kernel.ts';
import { openWire, type Wire } from './net.ts';

/** Where libxdp pins. */
export const PEER_PINS = '/sys/fs/bpf/xdp';

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface Peer {
  readonly wire: Wire;
  /** Index of the interface `near`. */
  readonly ifindex: number;
  /** Files of members, written on first use. */
  file(spec: MemberSpec): string;
  /** `xdp-loader WORDS` in the namespace of `near`. */
  run(...words: readonly string[]): Ran;
  /** The same in the network namespace of the caller. */
  runHere(...words: readonly string[]): Ran;
  /** As `run`; throws unless it succeeds. */
  must(...words: readonly string[]): string;
  /** As `run`, started beside this process. */
  start(...words: readonly string[]): Promise<Ran>;
  /** The same, one command after the other. */
  startEach(lines: readonly (readonly string[])[]): Promise<Ran[]>;
  /** Its status of `near`. */
  status(): PeerStatus;
  /** Loads members with one command. */
  load(...specs: readonly MemberSpec[]): void;
  /** Removes everything from `near`. */
  unload(): void;
  /** Program on `near`; 0 without one. */
  attached(): number;
  /** The program on `near`, called with a packet for each list of verdicts. */
  pass(verdicts: readonly (readonly number[])[]): Passage[];
  /** The value of the only map of the program on `near`. */
  config(): Uint8Array;
  close(): void;
}

export function openPeer(): Peer {
  const wire = openWire();
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-members-'));
  const run = (...words: readonly string[]): Ran => wire.inside(() => runHere(...words));
  const must = (...words: readonly string[]): string => {
    const { status, out, err } = run(...words);
    if (status !== 0) throw new Error(`xdp-loader ${words.join(' ')}: ${status}: ${out}${err}`);
    return out;
  };
  const near = () => wire.inside(() => readInterface(sys, 'near'));
  const attached = () => near().xdp.native || near().xdp.generic;
  const file = (spec: MemberSpec) =>
    writeMember(directory, spec, `${JSON.stringify(spec).replace(/\W+/g, '-')}.o`);
  return {
    wire,
    ifindex: near().index,
    file,
    run,
    runHere,
    must,
    start: (...words) => wire.inside(() => started(words)),
    startEach: async lines => {
      const all: Ran[] = [];
      for (const words of lines) all.push(await wire.inside(() => started(words)));
      return all;
    },
    status: () => {
      const [found] = parseStatus(must('status', 'near'));
      if (found === undefined) throw new Error('no status of near');
      return found;
    },
    load: (...specs) => void must('load', 'near', ...specs.map(file)),
    unload: () => void must('unload', '--all', 'near'),
    attached,
    pass: verdicts => passAll(attached(), verdicts),
    config: () => configOf(attached()),
    close: () => {
      wire.close();
      rmSync(directory, { recursive: true });
      if (existsSync(PEER_PINS)) rmdirSync(PEER_PINS);
    },
  };
}

function runHere(...words: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync('xdp-loader', words, { encoding: 'utf8' });
  return { status: status ?? -1, out: stdout, err: stderr };
}

function started(words: readonly string[]): Promise<Ran> {
  const child = spawn('xdp-loader', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { out: '', err: '' };
  child.stdout.on('data', chunk => {
    written.out += String(chunk);
  });
  child.stderr.on('data', chunk => {
    written.err += String(chunk);
  });
  return new Promise(resolve => child.on('close', status => resolve({ status: status ?? -1, ...written })));
}

function programOf(id: number): BpfProgram {
  const fd = openById(sys, 'program', id);
  if (fd === undefined) throw new Error(`no program ${id}`);
  return BpfProgram.adopt(sys, fd);
}

function passAll(id: number, verdicts: readonly (readonly number[])[]): Passage[] {
  const program = programOf(id);
  try {
    return verdicts.map(each => {
      const { verdict, data } = program.testRun({ data: memberPacket(each) });
      return { verdict, ran: membersThatRan(data) };
    });
  } finally {
    program.close();
  }
}

function configOf(id: number): Uint8Array {
  const program = programOf(id);
  const [mapId, ...others] = program.info().mapIds;
  program.close();
  const fd = mapId === undefined || others.length > 0 ? undefined : openById(sys, 'map', mapId);
  if (fd === undefined) throw new Error(`program ${id} has not exactly one map`);
  const map = BpfMap.adopt(sys, fd);
  const value = map.lookup(new Uint8Array(4)) ?? new Uint8Array(0);
  map.close();
  return value;
}

/** Pins of libxdp by directory, sorted; no directories without pins of chains. */
export function peerPins(): Record<string, string[]> {
  if (!existsSync(PEER_PINS)) return {};
  const names = readdirSync(PEER_PINS).sort();
  return Object.fromEntries(names.map(name => [name, readdirSync(join(PEER_PINS, name)).sort()]));
}

/** Pins of a set of members. */
export function expectedPins(ifindex: number, program: number, count: number): Record<string, string[]> {
  const names = Array.from({ length: count }, (_, at) => [`prog${at}-link`, `prog${at}-prog`]);
  return { [`dispatch-${ifindex}-${program}`]: names.flat().sort() };
}
