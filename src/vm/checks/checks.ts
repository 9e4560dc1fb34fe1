/**
 * Tests of BPF code in the machine: packets in, verdicts, packets and values out. Plain functions that throw, so that they
 * work in any runner of tests; what they throw has the fields that runners show differences by.
 */

import { argumentError, RootletError, requireOptions } from '../../diag/index.ts';
import { verdictName, verdictOfWord, verdictWords } from '../../object/index.ts';
import { CaptureDecoder, type CapturedPacket } from '../capture/index.ts';
import { type Machine, progTypeOf, type RunContext, type RunResult } from '../run/index.ts';
import { buildPacket } from './build-packet.ts';
import { packetDifferences, valueDifferences } from './differences.ts';

/** What a run is expected to do; what is left out is not checked. */
export interface ExpectedRun {
  /** A number, or a word for it: `drop`, `pass`, `redirect`, … */
  readonly verdict?: number | string;
  /** The packet after the run. */
  readonly packet?: Uint8Array;
  /** What an XDP program put before the packet. */
  readonly metadata?: Uint8Array;
  /** Interface that the packet is redirected to; null: it is not redirected. */
  readonly redirect?: number | null;
}

/** Packets for tests. */
export const packets = {
  /** A packet from its headers, with lengths and checksums. Throws `usage-packet`. */
  build: buildPacket,
  /** All packets of a capture (pcap or pcapng), as copies. Throws `capture-…`, also where the capture is cut off. */
  fromCapture(bytes: Uint8Array, name = 'capture'): readonly CapturedPacket[] {
    const decoder = new CaptureDecoder(name);
    decoder.push(bytes);
    const found: CapturedPacket[] = [];
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next())
      found.push({ ...packet, bytes: bytesOf(packet), offset: 0 });
    const problem = decoder.end();
    if (problem !== undefined) throw new RootletError([problem]);
    return found;
  },
} as const;

/** Those of the packet alone: it is in the bytes of the capture. */
function bytesOf({ bytes, offset, length }: CapturedPacket): Uint8Array {
  return bytes.slice(offset, offset + length);
}

/** Expectations: functions that throw an error with the difference. */
export const check = {
  /** Runs a program on a packet, and checks what it did. */
  run(machine: Machine, packet: Uint8Array, expected: ExpectedRun, context: RunContext = {}): RunResult {
    requireOptions('check.run: expected', expected);
    const result = machine.run(packet, context);
    checkVerdict(machine, result, expected, context);
    if (expected.packet !== undefined) check.packet(result.packet, expected.packet);
    if (expected.metadata !== undefined) check.packet(result.metadata, expected.metadata, 'metadata');
    if (expected.redirect !== undefined)
      check.value(result.redirect?.ifindex ?? null, expected.redirect, 'interface of the redirect');
    return result;
  },
  /** Compares bytes; rows that differ are shown. */
  packet(actual: Uint8Array, expected: Uint8Array, what = 'packet'): void {
    const lines = packetDifferences(actual, expected);
    if (lines.length > 0) fail(`${what} differs`, lines, actual.slice(), expected);
  },
  /**
   * Compares values of C types: all that `expected` names. Number and bigint are the same if they are equal.
   */
  value(actual: unknown, expected: unknown, what = 'value'): void {
    const lines = valueDifferences(actual, expected);
    if (lines.length > 0) fail(`${what} differs`, lines, actual, expected);
  },
} as const;

function checkVerdict(
  machine: Machine,
  { verdict }: RunResult,
  { verdict: expected }: ExpectedRun,
  { program }: RunContext,
): void {
  if (expected === undefined) return;
  const type = progTypeOf(machine.kindOf(program));
  const wanted = typeof expected === 'number' ? expected : verdictOfWord(type, expected.toLowerCase());
  if (wanted === undefined)
    throw argumentError(
      'check.run: verdict',
      `a number or one of ${verdictWords(type).join(', ')}`,
      expected,
    );
  const isWanted = typeof wanted === 'number' ? (verdict | 0) === (wanted | 0) : verdict !== 0;
  if (isWanted) return;
  const name = typeof wanted === 'number' ? verdictName(type, wanted) : String(expected);
  fail('verdict differs', [`${verdictName(type, verdict)} (${verdict}), expected ${name}`], verdict, wanted);
}

/** With the fields of Node's AssertionError, by which runners show differences. */
function fail(what: string, lines: readonly string[], actual: unknown, expected: unknown): never {
  const error = new Error(`${what}:\n${lines.map(line => `  ${line}`).join('\n')}`);
  throw Object.assign(error, {
    name: 'AssertionError',
    code: 'ERR_ASSERTION',
    operator: 'rootlet',
    actual,
    expected,
  });
}
