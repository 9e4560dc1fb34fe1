/** The machine's memory as its own code uses it: typed arrays over the data and the shadow. */

import type { ByteOrder } from '../../bytes/index.ts';
import { WASM_PAGE, type WasmMemory } from '../../bytes/index.ts';
import { createMemory } from '../wasm/index.ts';

export class MachineMemory {
  readonly wasm: WasmMemory;
  readonly order: ByteOrder;
  /** Distance of shadow from data, which is also the number of data bytes. */
  readonly shadowOffset: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly shadow: Uint8Array;
  readonly #little: boolean;

  constructor(dataBytes: number, order: ByteOrder) {
    this.wasm = createMemory((dataBytes * 2) / WASM_PAGE);
    this.order = order;
    this.#little = order === 'little';
    this.shadowOffset = dataBytes;
    this.bytes = new Uint8Array(this.wasm.buffer, 0, dataBytes);
    this.view = new DataView(this.wasm.buffer, 0, dataBytes);
    this.shadow = new Uint8Array(this.wasm.buffer, dataBytes, dataBytes);
  }

  get pages(): number {
    return (this.shadowOffset * 2) / WASM_PAGE;
  }

  /** Gives the bytes these permissions (`READ`, `WRITE`, 0 for none). */
  permit(address: number, size: number, permission: number): void {
    this.shadow.fill(permission, address, address + size);
  }

  /** As `permit`, for `count` elements that are `stride` apart. */
  permitElements(address: number, count: number, stride: number, size: number, permission: number): void {
    if (count === 0) return;
    this.permit(address, size, permission);
    const total = count * stride;
    for (let done = stride; done < total; done *= 2) {
      this.shadow.copyWithin(address + done, address, address + Math.min(done, total - done));
    }
  }

  u8(address: number): number {
    return this.view.getUint8(address);
  }

  /** In the byte order of the object, as the program sees them. */
  u16(address: number): number {
    return this.view.getUint16(address, this.#little);
  }

  u32(address: number): number {
    return this.view.getUint32(address, this.#little);
  }

  u64(address: number): bigint {
    return this.view.getBigUint64(address, this.#little);
  }

  setU8(address: number, value: number): void {
    this.view.setUint8(address, value);
  }

  setU16(address: number, value: number): void {
    this.view.setUint16(address, value, this.#little);
  }

  setU32(address: number, value: number): void {
    this.view.setUint32(address, value, this.#little);
  }

  setU64(address: number, value: bigint): void {
    this.view.setBigUint64(address, value, this.#little);
  }
}
