/** Messages of errors that end a run: what happened, where in the program, and the nearest object. */

import { elementAt, given } from '../../bytes/index.ts';
import { bugError, type CodeOf, counted, limitHint, quote, type RootletError } from '../../diag/index.ts';
import { type BpfObject, MAX_CALL_FRAMES, MAX_STACK_BYTES } from '../../object/index.ts';
import { codeError, type Site } from '../compile/analysis/index.ts';
import {
  FRAME_SIZE,
  FRAME_STRIDE,
  type MachineMemory,
  type PacketBuffer,
  READ,
  type Region,
  WRITE,
} from '../state/index.ts';

/** What the messages need of the machine. */
export interface FaultContext {
  readonly object: BpfObject;
  readonly memory: MachineMemory;
  readonly packet: PacketBuffer;
  /** Of the layout, and of the heap. */
  readonly regions: readonly (readonly Region[])[];
  /** `frame` of a program's main function. */
  readonly topFrame: number;
  readonly budget: number;
}

/** The error of a site; `address` and `size` are what compiled code passed. */
export function faultError(context: FaultContext, site: Site, address: bigint, size: number): RootletError {
  const { code, message, hint } = wordsOf(context, site, address, size);
  const extras = given({ hint });
  return codeError(code, context.object.name, site.unit, site.slot, message, extras);
}

interface Words {
  readonly code: CodeOf<'input'>;
  readonly message: string;
  readonly hint?: string;
}

function wordsOf(context: FaultContext, site: Site, address: bigint, size: number): Words {
  switch (site.kind) {
    case 'words':
      return site;
    case 'access':
      return accessWords(context, address, size, site.write, '');
    case 'argument':
      return accessWords(
        context,
        address,
        size,
        site.write,
        ` by bpf_${site.helper} (argument ${site.argument})`,
      );
    case 'misaligned':
      return {
        code: 'vm-misaligned',
        message: `atomic access of ${size} bytes at an address that is not a multiple of ${size}`,
      };
    case 'budget':
      return budgetWords(context);
    case 'callback':
      if (size === -1) return budgetWords(context);
      return {
        code: 'vm-not-function',
        message: `callback address ${hex(address)} is not that of a function`,
      };
    case 'call-depth':
      return {
        code: 'vm-call-depth',
        message: `calls ${nameOf(context, site.callee)} from frame ${MAX_CALL_FRAMES}: a program has at most ${MAX_CALL_FRAMES} frames`,
      };
    case 'stack-size':
      return {
        code: 'vm-stack-size',
        message: `calling ${nameOf(context, site.callee)}, which takes ${size} bytes of stack, makes ${address} bytes in all: a program has ${MAX_STACK_BYTES}`,
      };
    case 'helper':
      // helpers report their own faults, with `fail()` of the machine
      throw bugError([context.object.name], `bpf_${site.helper} faults without words`);
  }
}

function budgetWords({ budget }: FaultContext): Words {
  return {
    code: 'vm-budget',
    message: `still running after ${budget} backward jumps and calls`,
    hint: limitHint('budget', budget, 'possible infinite loop'),
  };
}

function nameOf({ object }: FaultContext, symbol: number): string {
  return quote(elementAt(object.symbols, symbol).name);
}

function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}

function accessWords(
  context: FaultContext,
  address: bigint,
  size: number,
  write: boolean,
  by: string,
): Words {
  const what = `invalid ${write ? 'write' : 'read'} of ${counted(size >>> 0, 'byte')}${by}`;
  return { code: 'vm-memory-access', message: `${what}: ${placeWords(context, address, size, write)}` };
}

/** Where the first byte is that cannot be accessed. */
function placeWords(context: FaultContext, address: bigint, size: number, write: boolean): string {
  const { memory } = context;
  if (address >= BigInt(memory.shadowOffset)) return `${hex(address)} is not an address of the program`;
  const start = Number(address);
  const permission = write ? WRITE : READ;
  let bad = start;
  while (bad < start + size && ((memory.shadow[bad] ?? 0) & permission) !== 0) bad++;
  if (start < 0x10000) return start === 0 ? 'null pointer' : `null pointer, plus ${start}`;
  return nearWords(context, start, bad, size, write);
}

function nearWords(context: FaultContext, start: number, bad: number, size: number, write: boolean): string {
  const region = nearestRegion(context.regions.flat(), bad);
  if (region === undefined) return `${hex(BigInt(start))} is not an address of the program`;
  if (region.name === 'packet') return packetWords(context.packet, start, bad, size, write);
  if (region.name === 'stack') return stackWords(context, start, size);
  if (region.stride !== undefined && region.elementSize !== undefined) {
    return elementWords(region, region.stride, region.elementSize, start, size, write);
  }
  if (region.name === 'map' || region.name === 'function')
    return `a ${region.name} pointer points to no memory`;
  return regionWords(region, start, bad, size, write);
}

function nearestRegion(regions: readonly Region[], address: number): Region | undefined {
  let best: Region | undefined;
  let distance = Number.POSITIVE_INFINITY;
  for (const region of regions) {
    const away = address < region.start ? region.start - address : Math.max(0, address - region.end + 1);
    if (away >= distance) continue;
    best = region;
    distance = away;
  }
  return best;
}

function packetWords(packet: PacketBuffer, start: number, bad: number, size: number, write: boolean): string {
  const length = counted(packet.length, 'byte');
  if (start >= packet.end) {
    return `${counted(start + size - packet.end, 'byte')} past the packet's end (offset ${start - packet.data}, packet of ${length})`;
  }
  if (start < packet.meta) return `${counted(packet.data - start, 'byte')} before the packet's start`;
  if (bad >= packet.end) {
    return `${counted(start + size - packet.end, 'byte')} past the packet's end (offset ${start - packet.data}, packet of ${length})`;
  }
  return `packet offset ${start - packet.data}: this kind of program cannot ${write ? 'write' : 'read'} the packet directly`;
}

/** Frames grow downwards from the first one; between them nothing is accessible. */
function stackWords({ topFrame }: FaultContext, start: number, size: number): string {
  const top = topFrame + FRAME_SIZE;
  const frame = Math.max(0, Math.floor((top - start - 1 + (FRAME_STRIDE - FRAME_SIZE) / 2) / FRAME_STRIDE));
  const pointer = top - frame * FRAME_STRIDE;
  const offset = start - pointer;
  const end = offset + size;
  if (end > 0) return `${counted(end, 'byte')} above the stack of frame ${frame + 1}`;
  return `r10${offset} of frame ${frame + 1}: a stack frame is the ${FRAME_SIZE} bytes below r10`;
}

function elementWords(
  region: Region,
  stride: number,
  elementSize: number,
  start: number,
  size: number,
  write: boolean,
): string {
  if (start < region.start)
    return `${counted(region.start - start, 'byte')} before the first value of ${region.name}`;
  const index = Math.floor((start - region.start) / stride);
  const offset = start - region.start - index * stride;
  const end = offset + size;
  if (end <= elementSize) return `a value of ${region.name} cannot be ${write ? 'written' : 'read'}`;
  return `${counted(end - elementSize, 'byte')} past the end of a value of ${region.name} (offset ${offset}, value of ${counted(elementSize, 'byte')})`;
}

function regionWords(region: Region, start: number, bad: number, size: number, write: boolean): string {
  if (start < region.start) return `${counted(region.start - start, 'byte')} before ${region.name}`;
  if (bad >= region.end) {
    const whole = counted(region.end - region.start, 'byte');
    return `${counted(start + size - region.end, 'byte')} past the end of ${region.name} (${whole})`;
  }
  const offset = start - region.start;
  return `offset ${offset} of ${region.name} cannot be ${write ? 'written' : 'read'}`;
}
