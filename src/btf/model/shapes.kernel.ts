/**
 * The shapes of kinds of types in an image: where a type has its references and names (`words.ts` declares them).
 *
 * A shape is one word; `SHAPE_BIT` says where its parts are. Kinds that are not known have the shape 0.
 */

import { HEADER } from '../../image/layout.ts';
import { setWord, word } from '../../image/memory.ts';
import { alloc } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { KIND_SHAPE } from './words.ts';

const KINDS = 128;

/** Word index of the table: the shape of kind `k` (0 to 127) is the word at `shapes() + k`. */
export function shapes(): number {
  const known = word(HEADER.kindShapes);
  if (known !== 0) return known;
  const table = alloc(KINDS << 2) >> 2;
  setWord(HEADER.kindShapes, table);
  setWord(table + BTF_KIND.INT, KIND_SHAPE.INT);
  setWord(table + BTF_KIND.PTR, KIND_SHAPE.PTR);
  setWord(table + BTF_KIND.ARRAY, KIND_SHAPE.ARRAY);
  setWord(table + BTF_KIND.STRUCT, KIND_SHAPE.STRUCT);
  setWord(table + BTF_KIND.UNION, KIND_SHAPE.UNION);
  setWord(table + BTF_KIND.ENUM, KIND_SHAPE.ENUM);
  setWord(table + BTF_KIND.FWD, KIND_SHAPE.FWD);
  setWord(table + BTF_KIND.TYPEDEF, KIND_SHAPE.TYPEDEF);
  setWord(table + BTF_KIND.VOLATILE, KIND_SHAPE.VOLATILE);
  setWord(table + BTF_KIND.CONST, KIND_SHAPE.CONST);
  setWord(table + BTF_KIND.RESTRICT, KIND_SHAPE.RESTRICT);
  setWord(table + BTF_KIND.FUNC, KIND_SHAPE.FUNC);
  setWord(table + BTF_KIND.FUNC_PROTO, KIND_SHAPE.FUNC_PROTO);
  setWord(table + BTF_KIND.VAR, KIND_SHAPE.VAR);
  setWord(table + BTF_KIND.DATASEC, KIND_SHAPE.DATASEC);
  setWord(table + BTF_KIND.FLOAT, KIND_SHAPE.FLOAT);
  setWord(table + BTF_KIND.DECL_TAG, KIND_SHAPE.DECL_TAG);
  setWord(table + BTF_KIND.TYPE_TAG, KIND_SHAPE.TYPE_TAG);
  setWord(table + BTF_KIND.ENUM64, KIND_SHAPE.ENUM64);
  return table;
}
