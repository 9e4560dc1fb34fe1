/**
 * Members of chains for tests, as files for any loader: copies of `test/vm/programs/chain_member.bpf.c`, each with a number,
 * a name, a priority and verdicts of its own. A packet holds the verdict of each member and, afterwards, which have run.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAMS = fileURLToPath(new URL('../vm/programs/obj/el/', import.meta.url));

/** Numbers in the template, as its source has them. */
const MARK = { verdict: 0x5a5a0000, priority: 0x5a5a0010, member: 0x5a5a0020 } as const;
const NAME = 'member_000000';
const XDP_VERDICTS = [0, 1, 2, 3, 4];

/** Members of one packet. */
export const MAX_MEMBERS = 16;
const OFFSETS = { verdicts: 14, count: 30, ran: 31 } as const;

export interface MemberSpec {
  /** Which verdict of the packet it returns; below `MAX_MEMBERS`. */
  readonly number: number;
  /** 13 characters. Default: `member_` and the number. */
  readonly name?: string;
  /** Run configuration. Default 50. */
  readonly priority?: number;
  /** Run configuration: bit n set for verdict n that continues. Default: PASS. */
  readonly mask?: number;
}

/** Name of the program of a member. */
export function memberName({ number, name }: MemberSpec): string {
  return name ?? `member_${String(number).padStart(6, '0')}`;
}

/** The object of a member. */
export function memberObject(spec: MemberSpec): Uint8Array {
  const { number, priority = 50, mask = 1 << 2 } = spec;
  const name = memberName(spec);
  if (name.length !== NAME.length || number >= MAX_MEMBERS) throw new Error(`no such member: ${name}`);
  const bytes = readFileSync(join(PROGRAMS, 'chain_member.bpf.o'));
  replaceAll(bytes, word(MARK.priority), word(priority));
  replaceAll(bytes, word(MARK.member), word(number));
  for (const verdict of XDP_VERDICTS)
    replaceAll(bytes, word(MARK.verdict + verdict), word((mask >> verdict) & 1));
  if (name !== NAME) replaceAll(bytes, Buffer.from(NAME), Buffer.from(name));
  return bytes;
}

/** Writes the object of a member into a directory; its path. Tools name maps after the file. */
export function writeMember(directory: string, spec: MemberSpec, file = `${memberName(spec)}.o`): string {
  const path = join(directory, file);
  writeFileSync(path, memberObject(spec));
  return path;
}

/** Path of an object of `test/vm/programs`. */
export function programFile(name: string): string {
  return join(PROGRAMS, `${name}.bpf.o`);
}

/** A packet of 64 bytes with the verdict that each member returns, by number. */
export function memberPacket(verdicts: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x88, 0xb5], 12); // an EtherType for local experiments
  bytes.set(verdicts, OFFSETS.verdicts);
  return bytes;
}

/** Numbers of the members that have seen a packet, in order. */
export function membersThatRan(packet: Uint8Array): number[] {
  const count = packet[OFFSETS.count] ?? 0;
  return [...packet.subarray(OFFSETS.ran, OFFSETS.ran + count)];
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function replaceAll(bytes: Buffer, from: Buffer, to: Buffer): void {
  const found = bytes.indexOf(from);
  if (found < 0) throw new Error(`the template has no ${from.toString('hex')}`);
  for (let at = found; at >= 0; at = bytes.indexOf(from, at + from.length)) to.copy(bytes, at);
}
