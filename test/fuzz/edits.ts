/**
 * Changes of a file as data: they can be left out one by one when a failure is made smaller, and written to a file.
 * Places are those of the file after the changes before.
 */

export type Edit =
  | { readonly kind: 'set'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'copy'; readonly from: number; readonly to: number; readonly size: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'delete'; readonly at: number; readonly size: number }
  /** Pads to a multiple of 8 and adds bytes at the end. */
  | { readonly kind: 'append'; readonly bytes: Uint8Array };

/** The file after the changes; those that do not fit in it are left out. */
export function applyEdits(original: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let bytes: Uint8Array = original.slice();
  for (const edit of edits) bytes = applyEdit(bytes, edit);
  return bytes;
}

function applyEdit(bytes: Uint8Array, edit: Edit): Uint8Array {
  switch (edit.kind) {
    case 'set':
      if (edit.at + edit.bytes.length <= bytes.length) bytes.set(edit.bytes, edit.at);
      return bytes;
    case 'copy':
      if (Math.max(edit.from, edit.to) + edit.size <= bytes.length)
        bytes.copyWithin(edit.to, edit.from, edit.from + edit.size);
      return bytes;
    case 'insert':
      return joined(bytes.subarray(0, edit.at), edit.bytes, bytes.subarray(edit.at));
    case 'delete':
      return joined(bytes.subarray(0, edit.at), bytes.subarray(edit.at + edit.size));
    case 'append':
      return joined(bytes, new Uint8Array(endOf(bytes.length) - bytes.length), edit.bytes);
  }
}

/** Where `append` puts bytes in a file of that size. */
export function endOf(size: number): number {
  return Math.ceil(size / 8) * 8;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** As JSON has it: bytes in base64. */
export function editToJson(edit: Edit): unknown {
  return 'bytes' in edit ? { ...edit, bytes: Buffer.from(edit.bytes).toString('base64') } : edit;
}

/** What a change does, as text. */
export function editText(edit: Edit): string {
  switch (edit.kind) {
    case 'set':
      return `bytes at ${edit.at} become ${Buffer.from(edit.bytes).toString('hex').slice(0, 64)}`;
    case 'copy':
      return `${edit.size} bytes at ${edit.from} are copied to ${edit.to}`;
    case 'insert':
      return `${edit.bytes.length} bytes are inserted at ${edit.at}`;
    case 'delete':
      return `${edit.size} bytes at ${edit.at} are deleted`;
    case 'append':
      return `${edit.bytes.length} bytes are added at the end`;
  }
}
