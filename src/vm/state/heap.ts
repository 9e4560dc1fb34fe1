/**
 * Memory that maps take while programs run. Hands out blocks behind the fixed layout, never takes one back,
 * and keeps the region of each, by which errors name what is near an address.
 */

import { alignUp } from '../../bytes/index.ts';
import { inputError, quote } from '../../diag/index.ts';
import { memoryHint, REGION_GAP, type Region, toMebibytes } from './layout.ts';
import type { MachineMemory } from './memory.ts';

/** Alignment of blocks. */
const BLOCK_ALIGN = 64;

export class Heap {
  readonly memory: MachineMemory;
  readonly #objectName: string;
  readonly #regions: Region[] = [];
  #end: number;

  /** Hands out what is from `start` to the end of the memory. */
  constructor(objectName: string, memory: MachineMemory, start: number) {
    this.#objectName = objectName;
    this.memory = memory;
    this.#end = start;
  }

  /** Of all blocks so far. */
  get regions(): readonly Region[] {
    return this.#regions;
  }

  /** Address of a block of zeros for that map. Throws `vm-memory-limit` when the memory is used up. */
  take(map: string, size: number, details: Omit<Region, 'name' | 'start' | 'end'>): number {
    const start = alignUp(this.#end + REGION_GAP, BLOCK_ALIGN);
    if (start + size > this.memory.shadowOffset) throw this.#exhausted(map);
    this.#end = start + size;
    this.#regions.push({ name: `map ${quote(map)}`, start, end: start + size, ...details });
    return start;
  }

  #exhausted(map: string): Error {
    const limit = toMebibytes(this.memory.shadowOffset * 2);
    const message = `further elements do not fit into the machine's memory, whose limit is ${limit} MiB`;
    return inputError('vm-memory-limit', [this.#objectName, `map ${quote(map)}`], message, {
      hint: memoryHint(map),
    });
  }
}
