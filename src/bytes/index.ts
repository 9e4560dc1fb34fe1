/** Cursors, record layouts, writers. */

export { elementAt, noElement, valueAt } from './at.ts';
export type { Contents } from './contents.ts';
export { type ByteOrder, cString, decodeText, encodeText, requireRange, viewOf } from './cursor.ts';
export { given } from './given.ts';
export { type FileSource, type InputFile, requireFile } from './input-file.ts';
export { withLazy } from './lazy.ts';
export {
  chars,
  type Field,
  i32,
  type RecordLayout,
  type RecordOf,
  record,
  u8,
  u16,
  u32,
  u32s,
  u64,
} from './record.ts';
export {
  WASM_PAGE,
  type WasmEngine,
  type WasmImports,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  wasmEngine,
} from './webassembly.ts';
export { alignUp, ByteWriter, StringTableBuilder } from './writer.ts';
