/** Packets through a program, wherever it runs: in the embedded machine or in the kernel. */

import { quote, usageError } from '../../src/diag/index.ts';
import type { BpfObject } from '../../src/object/index.ts';
import {
  createMachine,
  type MachineOptions,
  type MapContents,
  type ProgramKind,
  type Timestamp,
} from '../../src/vm/index.ts';

export interface PacketResult {
  readonly verdict: number;
  /** After the run; good until the next run. */
  readonly packet: Uint8Array;
}

export interface PacketRunner {
  readonly engine: 'machine' | 'kernel';
  readonly program: string;
  readonly kind: ProgramKind;
  /** `timestamp` is for the machine's clock. */
  run(packet: Uint8Array, timestamp?: Timestamp): PacketResult;
  maps(): readonly MapContents[];
  /** Lines that the program printed. */
  trace(): readonly string[];
  close(): void;
}

export function openMachineRunner(object: BpfObject, options: MachineOptions): PacketRunner {
  const machine = createMachine(object, options);
  const [program] = machine.programs;
  if (program === undefined || (options.program === undefined && machine.programs.length > 1)) {
    throw usageError(
      'run-which-program',
      `say which program to run with --program; there are: ${machine.programs.map(quote).join(', ')}`,
    );
  }
  return {
    engine: 'machine',
    program,
    kind: machine.kindOf(program),
    run: (packet, timestamp) =>
      machine.run(packet, timestamp === undefined ? { program } : { program, timestamp }),
    maps: () => [...machine.maps.values()],
    trace: () => machine.trace(),
    close: () => machine.close(),
  };
}

// --- verdicts -----------------------------------------------------------------------------------------------------

const XDP = ['ABORTED', 'DROP', 'PASS', 'TX', 'REDIRECT'];
const TC = ['OK', 'RECLASSIFY', 'SHOT', 'PIPE', 'STOLEN', 'QUEUED', 'REPEAT', 'REDIRECT', 'TRAP'];
const TC_UNSPEC = 0xffffffff;

/** Name of a verdict, or its number where it has none. */
export function verdictName(kind: ProgramKind, verdict: number): string {
  const value = verdict >>> 0;
  switch (kind) {
    case 'xdp':
      return XDP[value] ?? String(value);
    case 'tc':
      return value === TC_UNSPEC ? 'UNSPEC' : (TC[value] ?? String(value));
    case 'cgroup-skb':
      return value === 0 ? 'DENY' : value === 1 ? 'ALLOW' : String(value);
    case 'socket':
      return value === 0 ? 'DROP' : value === TC_UNSPEC ? 'ALL' : `${value} bytes`;
  }
}

/** Whether the network stack goes on with the packet: what `--out` writes. */
export function passes(kind: ProgramKind, verdict: number): boolean {
  const value = verdict >>> 0;
  switch (kind) {
    case 'xdp':
      return value === 2;
    case 'tc':
      return value === TC_UNSPEC || value === 0 || value === 1 || value === 3;
    case 'cgroup-skb':
      return (value & 1) === 1;
    case 'socket':
      return value !== 0;
  }
}
