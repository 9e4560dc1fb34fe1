/** Names of types in messages. */

import { elementAt } from '../../bytes/index.ts';
import { type CodeOf, inputError, quote, type RootletError } from '../../diag/index.ts';
import { BTF_KIND, byBtfKind } from '../../uapi/index.ts';
import type { RawBtf } from './raw.ts';
import type { BtfId } from './types.ts';

const LABELS = byBtfKind<string>({
  [BTF_KIND.INT]: 'int',
  [BTF_KIND.PTR]: 'pointer',
  [BTF_KIND.ARRAY]: 'array',
  [BTF_KIND.STRUCT]: 'struct',
  [BTF_KIND.UNION]: 'union',
  [BTF_KIND.ENUM]: 'enum',
  [BTF_KIND.FWD]: 'forward declaration',
  [BTF_KIND.TYPEDEF]: 'typedef',
  [BTF_KIND.VOLATILE]: 'volatile',
  [BTF_KIND.CONST]: 'const',
  [BTF_KIND.RESTRICT]: 'restrict',
  [BTF_KIND.FUNC]: 'function',
  [BTF_KIND.FUNC_PROTO]: 'function prototype',
  [BTF_KIND.VAR]: 'variable',
  [BTF_KIND.DATASEC]: 'data section',
  [BTF_KIND.FLOAT]: 'float',
  [BTF_KIND.DECL_TAG]: 'declaration tag',
  [BTF_KIND.TYPE_TAG]: 'type tag',
  [BTF_KIND.ENUM64]: 'enum',
});

/** `type 12 (struct "flow")`. The type may not have been checked yet. */
export function describeType(btf: RawBtf, id: BtfId): string {
  if (id === 0) return 'void';
  const label = LABELS.get(btf.kindOf(id)) ?? 'unknown kind';
  const name = elementAt(btf.words, elementAt(btf.start, id));
  if (name === 0 || name >= btf.strings.length) return `type ${id} (${label})`;
  return `type ${id} (${label} ${quote(btf.string(name))})`;
}

/** An error about one type. */
export function typeError(btf: RawBtf, id: BtfId, code: CodeOf<'input'>, message: string): RootletError {
  return inputError(code, [describeType(btf, id)], message);
}
