/**
 * Random types of the kinds that compilers of other languages write and kernels refuse: every kind, with values
 * of its fields that `src/btf/model/validate.ts` accepts. Same seed, same types.
 */

import type { RawBtf } from '../../src/btf/model/raw.ts';
import { TypeWriter } from '../../src/btf/model/type-writer.ts';
import type { Btf, BtfId, BtfMember, BtfType } from '../../src/btf/model/types.ts';
import { validateTypes } from '../../src/btf/model/validate.ts';
import type { SeededRandom } from '../hostile/random.ts';

const NAMES = [
  '',
  'a',
  'b',
  'Option<u32>',
  'core::fmt::Arguments',
  '{impl#0}',
  '0',
  '9lives',
  'été',
  '中',
  'a b',
  'x.y',
  '.z',
  'Option_3C_u32_3E_',
  '*const T',
  "lifetime<'a>",
  'a'.repeat(511),
  'b'.repeat(600),
  '<'.repeat(200),
  '-',
  'operator=',
];
function chance(random: SeededRandom, share: number): boolean {
  return random.below(100) < 100 * share;
}

const LINKAGES = ['static', 'global'] as const;

/** `base` with random types after its own, some of which are of its types; all of them are accepted. */
export function withOddTypes(base: Btf, random: SeededRandom, count: number): RawBtf {
  const types = Array.from({ length: base.count }, (_, at) => base.type(at + 1));
  for (let i = 0; i < count; i++) {
    const type = oddType(random, types.length);
    if (isAccepted([...types, type])) types.push(type);
  }
  return withOddWords(written(types), random, base.count);
}

/** `base` with the names of its own types and elements replaced, and names of parameters left out. */
export function withOddNames(base: Btf, random: SeededRandom): RawBtf {
  const kept = new Set(['int', 'unsigned int', 'xdp_md']);
  const types = Array.from({ length: base.count }, (_, at) => base.type(at + 1)).map((type): BtfType => {
    if (type.kind === 'func_proto') {
      return {
        ...type,
        params: type.params.map(param => ({ ...param, name: random.pick(['', 'a', 'x<y>']) })),
      };
    }
    if (!('name' in type) || kept.has(type.name) || type.kind === 'datasec' || !chance(random, 0.5))
      return type;
    return { ...type, name: `${type.name}<${random.below(100)}>` };
  });
  return written(types);
}

function written(types: readonly BtfType[]): RawBtf {
  const writer = new TypeWriter();
  for (const type of types) writer.add(type);
  return writer.finish();
}

function isAccepted(types: readonly BtfType[]): boolean {
  try {
    validateTypes(written(types));
    return true;
  } catch {
    return false;
  }
}

/** Words that decoding does not look at: the size of arrays, the type of forward declarations. */
function withOddWords(btf: RawBtf, random: SeededRandom, from: BtfId): RawBtf {
  for (let id = from + 1; id <= btf.count; id++) {
    const { kind } = btf.type(id);
    const start = btf.start[id];
    if (start === undefined || !(kind === 'array' || kind === 'fwd') || !chance(random, 0.2)) continue;
    btf.words[start + 2] = random.below(9);
  }
  return btf;
}

function oddType(random: SeededRandom, last: BtfId): BtfType {
  const name = random.pick(NAMES);
  const type = random.below(last + 1);
  const size = random.pick([0, 1, 2, 3, 4, 8, 12, 16, 20, 64]);
  const signed = chance(random, 0.5);
  const linkage = random.pick(LINKAGES);
  switch (random.below(19)) {
    case 0:
      return oddInteger(random, name, size);
    case 1:
      return { kind: 'ptr', type };
    case 2:
      return { kind: 'array', element: type, index: random.below(last + 1), length: random.below(5) };
    case 3:
    case 4:
    case 5:
      return oddStruct(random, name, size, last);
    case 6:
      return { kind: 'enum', name, size, signed, values: oddValues(random) };
    case 7:
      return { kind: 'enum64', name, size, signed, values: oddValues(random) };
    case 8:
      return { kind: 'fwd', name, union: signed };
    case 9:
      return { kind: 'typedef', name, type };
    case 10:
      return { kind: random.pick(['const', 'volatile', 'restrict'] as const), type };
    case 11:
      return { kind: 'type_tag', name, type, attribute: signed };
    case 12:
    case 13:
      return { kind: 'func_proto', returns: type, params: oddParameters(random, last) };
    case 14:
      return { kind: 'func', name, type, linkage };
    case 15:
      return { kind: 'var', name, type, linkage };
    case 16:
      return { kind: 'datasec', name, size, vars: oddEntries(random, last) };
    case 17:
      return { kind: 'float', name, size };
    default:
      return { kind: 'decl_tag', name, type, component: random.below(4) - 1, attribute: signed };
  }
}

function oddInteger(random: SeededRandom, name: string, size: number): BtfType {
  const [signed, char, bool] = [chance(random, 0.5), chance(random, 0.3), chance(random, 0.3)];
  const bits = chance(random, 0.5) ? Math.min(128, size * 8) : random.below(Math.min(128, size * 8) + 1);
  const bitOffset = chance(random, 0.8) ? 0 : random.below(8);
  return { kind: 'int', name, size, bits, bitOffset, signed, char, bool };
}

function oddStruct(random: SeededRandom, name: string, size: number, last: BtfId): BtfType {
  const fields = chance(random, 0.4);
  const members = Array.from({ length: random.below(4) }, (): BtfMember => {
    const bitOffset = chance(random, 0.6) ? 8 * random.below(size + 1) : random.below(size * 8 + 1);
    const bitSize = fields && chance(random, 0.7) ? 1 + random.below(40) : 0;
    return { name: random.pick(NAMES), type: 1 + random.below(last), bitOffset, bitSize };
  });
  return { kind: random.pick(['struct', 'union'] as const), name, size, members };
}

function oddValues(random: SeededRandom) {
  return Array.from({ length: random.below(3) }, () => ({
    name: random.pick(NAMES),
    value: BigInt(random.below(1000)),
  }));
}

function oddParameters(random: SeededRandom, last: BtfId) {
  return Array.from({ length: random.below(4) }, () => ({
    name: random.pick(NAMES),
    type: random.below(last + 1),
  }));
}

function oddEntries(random: SeededRandom, last: BtfId) {
  return Array.from({ length: random.below(4) }, () => ({
    type: 1 + random.below(last),
    offset: random.below(20),
    size: random.below(9),
  }));
}
