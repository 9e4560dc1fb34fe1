/**
 * Aliases: which symbol of a place owns it, and types of the others.
 *
 * Compilers describe one of several names of a place in BTF. Each alias gets a FUNC or VAR of its own, so that it
 * can be compared, renamed and made static like any other symbol.
 */

import { type Btf, BtfBuilder, type BtfId, btfOf, forEachVariable, type RawBtf } from '../../btf/index.ts';
import { STB_LOCAL } from '../../elf/index.ts';
import { ATOM, ATOM_BINDING, FUNCTION_INFO, type Image, SECTION, SYMBOL, UNIT } from '../../image/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { type AtomRow, atomRows } from './atom-rows.ts';
import { READER } from './kernels/index.ts';
import * as state from './kernels/state.kernel.ts';

/** The symbol of a static function that has an alias only: BTF describes the function under its own name. */
function isRenamedStatic(atom: AtomRow, btf: Btf): boolean {
  if (!atom.isFunction || atom.get(ATOM.binding) === ATOM_BINDING.local || atom.type === 0) return false;
  const type = btf.type(atom.type);
  return type.kind === 'func' && type.linkage === 'static' && type.name !== atom.name;
}

/** `btf` with a FUNC or VAR for every alias that had none. */
export function describeAliases(image: Image, unit: number, btf: Btf): Btf {
  const aliases = atomRows(image, unit).filter(
    atom => atom.owner !== undefined || isRenamedStatic(atom, btf),
  );
  if (aliases.length === 0) return btf;
  const known = idsOf(btf, new Set(aliases.map(({ name }) => name)));
  const builder = new BtfBuilder(btf);
  for (const atom of aliases) {
    const owner = atom.owner ?? atom;
    const original = owner.type === 0 ? undefined : btf.type(owner.type);
    if (original?.kind !== 'func' && original?.kind !== 'var') continue;
    // types that rootlet gave to functions without types are static, whatever their symbols are
    const isAssumed =
      original.kind === 'func' && original.linkage === 'static' && original.name === owner.name;
    const linkage = atom.get(ATOM.binding) === ATOM_BINDING.local || isAssumed ? 'static' : 'global';
    const same = known.get(atom.name)?.find(id => {
      const type = btf.type(id);
      return type.kind === original.kind && type.type === original.type && type.linkage === linkage;
    });
    atom.type = same ?? builder.add({ ...original, name: atom.name, linkage });
  }
  return builder.build();
}

function idsOf(btf: Btf, names: ReadonlySet<string>): Map<string, BtfId[]> {
  const found = new Map<string, BtfId[]>();
  for (let id = 1; id <= btf.count; id++) {
    const kind = btf.kindOf(id);
    const name = kind === BTF_KIND.FUNC || kind === BTF_KIND.VAR ? btf.nameOf(id) : '';
    if (name === '' || !names.has(name)) continue;
    const ids = found.get(name);
    if (ids === undefined) found.set(name, [id]);
    else ids.push(id);
  }
  return found;
}

/**
 * For each symbol of the unit, in READER.described: 1 where BTF describes it as what is at its place. Of a local and a
 * global symbol of one name at one place it is the one that the linkage of the description fits.
 */
export function markDescribed(image: Image, unit: number): void {
  const [first, count] = [image.get(UNIT.symbols, unit), image.get(UNIT.symbolCount, unit)];
  const marks = image.run(state).emptyRoom(READER.described, count);
  if (image.get(UNIT.typed, unit) === 0) return;
  const keys = keysOf(image, unit, btfOf(image, unit));
  const sections = image.get(UNIT.sectionCount, unit);
  const fitting = new Set<string>();
  const others: (readonly [row: number, place: string])[] = [];
  for (let row = first + 1; row < first + count; row++) {
    const index = image.get(SYMBOL.section, row);
    if (index === 0 || index >= sections) continue;
    const section = image.nameText(image.get(SECTION.name, image.get(UNIT.sections, unit) + index));
    const [name, offset] = [image.nameText(image.get(SYMBOL.name, row)), image.get(SYMBOL.value, row) >>> 0];
    const isLocal = image.get(SYMBOL.binding, row) === STB_LOCAL;
    const place = `${index} ${offset}`;
    if (keys.has(`${section} ${name} ${isLocal}`) || keys.has(`${section} ${offset} ${name}`)) {
      fitting.add(place);
      image.words[marks + row - first] = 1;
    } else if (keys.has(`${section} ${name} ${!isLocal}`)) others.push([row, place]);
  }
  for (const [row, place] of others) if (!fitting.has(place)) image.words[marks + row - first] = 1;
}

/** By function information, which names the function at each place, and by the DATASECs, which list variables. */
function keysOf(image: Image, unit: number, btf: RawBtf): Set<string> {
  const keys = new Set<string>();
  const first = image.get(UNIT.functionInfos, unit);
  for (let row = first; row < first + image.get(UNIT.functionInfoCount, unit); row++) {
    const section = image.nameText(image.get(FUNCTION_INFO.section, row));
    const offset = image.get(FUNCTION_INFO.offset, row) >>> 0;
    keys.add(`${section} ${offset} ${btf.nameOf(image.get(FUNCTION_INFO.type, row))}`);
  }
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kindOf(id) !== BTF_KIND.DATASEC) continue;
    forEachVariable(btf, id, member => {
      const isStatic = btf.linkageOf(member) === 'static';
      keys.add(`${btf.nameOf(id)} ${btf.nameOf(member)} ${isStatic}`);
    });
  }
  return keys;
}
