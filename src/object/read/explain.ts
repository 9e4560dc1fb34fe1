/** Problems of what the kernels of reading refuse: texts, places and offsets, from faults and columns. */

import { counted, inputError, quote, type RootletError } from '../../diag/index.ts';
import { ATOM, FAULT, type Image, SECTION, SHELL, SYMBOL, UNIT } from '../../image/index.ts';
import { CodeView, jumpTarget } from '../../isa/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { untypedMap } from '../model/index.ts';
import { OBJECT_FAULT } from './faults.ts';

/** A row of FAULT. */
interface Fault {
  readonly image: Image;
  readonly unit: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
}

/** The error of a row of FAULT; without the name of the file. */
export function explainFault(image: Image, row: number): RootletError {
  const code = image.get(FAULT.code, row);
  const explain = EXPLAIN.get(code);
  if (explain === undefined) throw new TypeError(`there is no fault ${code}`);
  return explain({
    image,
    unit: image.get(FAULT.unit, row),
    a: image.get(FAULT.a, row),
    b: image.get(FAULT.b, row),
    c: image.get(FAULT.c, row),
    d: image.get(FAULT.d, row),
    e: image.get(FAULT.e, row),
  });
}

// --- places -------------------------------------------------------------------------------------------------------

function sectionPlace(image: Image, section: number): string {
  return `section ${quote(image.nameText(image.get(SECTION.name, section)))}`;
}

function atomName(image: Image, atom: number): string {
  return image.nameText(image.get(ATOM.name, atom));
}

function symbolName(image: Image, symbol: number): string {
  return image.nameText(image.get(SYMBOL.name, symbol));
}

/** Section of an atom, as a place. */
function atomSection(image: Image, atom: number): string {
  return `section ${quote(image.nameText(image.get(SHELL.name, image.get(ATOM.shell, atom))))}`;
}

/** An instruction of a function. */
function codePlace(image: Image, atom: number, place: number): readonly string[] {
  return [atomSection(image, atom), `function ${quote(atomName(image, atom))}`, `insn ${place}`];
}

/** Where a relocation is: an instruction of a function, or a variable. `offset` is in the section. */
function relocationPlace({ image, a: atom, b: offset }: Fault): readonly string[] {
  if (image.get(ATOM.kind, atom) === 0)
    return codePlace(image, atom, (offset - image.get(ATOM.offset, atom)) / INSN_SIZE);
  return [atomSection(image, atom), quote(atomName(image, atom))];
}

const KINDS = ['function', 'variable', 'map', 'extern'];

// --- numbers ------------------------------------------------------------------------------------------------------

const TWO_32 = 2 ** 32;

/** A number of two words, signed. */
function wide(low: number, high: number): number {
  return high * TWO_32 + (low >>> 0);
}

function codeOf(image: Image, atom: number): CodeView {
  const at = image.get(ATOM.at, atom);
  const order = image.get(UNIT.order, image.get(ATOM.unit, atom)) === 1 ? 'big' : 'little';
  return new CodeView(image.bytes.slice(at, at + image.get(ATOM.size, atom)), order);
}

// --- cutting ------------------------------------------------------------------------------------------------------

function overlap({ image, a: section, b: before, c: symbol }: Fault): RootletError {
  const places = [sectionPlace(image, section), quote(symbolName(image, symbol))];
  const other = quote(before === 0 ? '' : symbolName(image, before));
  const offset = image.get(SYMBOL.value, symbol) >>> 0;
  if (before === 0 || image.get(SYMBOL.value, before) >>> 0 !== offset)
    return inputError('object-overlap', places, `overlaps ${other}`, { offset });
  const [size, sizeBefore] = [image.get(SYMBOL.size, symbol) >>> 0, image.get(SYMBOL.size, before) >>> 0];
  const isTwoMaps = image.get(SHELL.role, image.get(SECTION.shell, section)) === 2 && size === sizeBefore;
  const what = isTwoMaps ? 'BTF describes both' : `has ${counted(size, 'byte')}, not ${sizeBefore}`;
  return inputError('object-alias', places, `is at the place of ${other}, but ${what}`, {
    offset,
    hint: isTwoMaps
      ? 'declare the other name of a map extern'
      : 'symbols at one place are aliases if their sizes are equal: set both with .size',
  });
}

function functionExtent({ image, a: section, b: symbol, c: start, d: size }: Fault): RootletError {
  return inputError(
    'object-function-extent',
    [sectionPlace(image, section), `function ${quote(symbolName(image, symbol))}`],
    `starts at ${start} and has ${size} bytes; both must be multiples of 8`,
    { offset: start },
  );
}

function stringSection({ image, a: section }: Fault): RootletError {
  const at = image.get(SECTION.at, section);
  const bytes = image.bytes.subarray(at, at + image.get(SECTION.size, section));
  return inputError('object-string-section', [sectionPlace(image, section)], 'does not end with a NUL byte', {
    offset: bytes.lastIndexOf(0) + 1,
  });
}

// --- relocations --------------------------------------------------------------------------------------------------

function duplicate({ image, a: section, b: offset }: Fault): RootletError {
  return inputError(
    'object-relocation-duplicate',
    [sectionPlace(image, section)],
    'two relocations apply to one place',
    { offset },
  );
}

function misplaced({ image, a: section, b: offset }: Fault): RootletError {
  return inputError(
    'object-relocation-place',
    [sectionPlace(image, section)],
    'a relocation does not apply to a variable',
    { offset },
  );
}

/** A relocation that its instruction does not fit. */
function unfit(why: (fault: Fault) => string): Explain {
  return fault =>
    inputError(
      'object-relocation-insn',
      relocationPlace(fault),
      `${why(fault)}, which a relocation of type ${fault.c} does not fit`,
      { offset: fault.b },
    );
}

function cutInsn({ image, a: atom, b: place, c: opcode }: Fault): RootletError {
  const message =
    opcode < 0
      ? 'ld_imm64 is cut in half by the end of the function'
      : `ld_imm64 has the opcode 0x${opcode.toString(16)} in its second half`;
  return inputError('object-insn-cut', codePlace(image, atom, place), message);
}

function dataAddend({ image, a: atom, b: offset, c: low, d: high }: Fault): RootletError {
  const addend = (BigInt(high) << 32n) | BigInt(low >>> 0);
  return inputError(
    'object-addend',
    [atomSection(image, atom), quote(atomName(image, atom))],
    `holds the addend ${addend}, which is not an offset`,
    { offset },
  );
}

function addendError(doing: string): Explain {
  return fault => {
    const { image, c: target, d: addend, e: high } = fault;
    const kind = KINDS[image.get(ATOM.kind, target)] ?? '';
    const size =
      kind === 'extern' ? '' : `, which has ${counted(image.get(ATOM.size, target) >>> 0, 'byte')}`;
    const what = `${kind} ${quote(atomName(image, target))}${size}`;
    return inputError(
      'object-addend',
      relocationPlace(fault),
      `${doing} byte ${addend + high * TWO_32} of ${what}`,
      { hint: 'the assembler of binutils 2.40 counts the value of symbols twice: use a newer one, or clang' },
    );
  };
}

/** For a call that goes `distance` bytes after the start of a function: no loader supports such calls. */
function callError({ image, c: target }: Fault, distance: number, where: readonly string[]): RootletError {
  if (distance < image.get(ATOM.size, target)) {
    const message = `calls byte ${distance} of function ${quote(atomName(image, target))} instead of its start`;
    return inputError('object-call-inside', where, message);
  }
  return nowhere(where, image.get(ATOM.offset, target) + distance);
}

function nowhere(where: readonly string[], offset: number): RootletError {
  return inputError(
    'object-call-nowhere',
    where,
    `calls offset ${offset} of its section, where no function is`,
  );
}

function dropped(fault: Fault): RootletError {
  const { image, unit, c: symbol } = fault;
  const name = symbolName(image, symbol);
  const section = image.get(SYMBOL.section, symbol);
  const row = section < image.get(UNIT.sectionCount, unit) ? image.get(UNIT.sections, unit) + section : 0;
  const named = name === '' && row !== 0 ? image.nameText(image.get(SECTION.name, row)) : name;
  return inputError(
    'object-reference-dropped',
    relocationPlace(fault),
    `refers to ${quote(named)}, which is not part of the program`,
  );
}

function referenceNowhere(fault: Fault): RootletError {
  const { image, unit, c: symbol, d: low, e: high } = fault;
  const section = image.get(UNIT.sections, unit) + image.get(SYMBOL.section, symbol);
  const name = quote(image.nameText(image.get(SECTION.name, section)));
  return inputError(
    'object-reference-nowhere',
    relocationPlace(fault),
    `refers to offset ${wide(low, high)} of ${name}, where nothing is defined`,
  );
}

function relocationData(fault: Fault): RootletError {
  return inputError(
    'object-relocation-data',
    relocationPlace(fault),
    `relocation type ${fault.c} does not fit its place`,
    { offset: fault.b },
  );
}

// --- code ---------------------------------------------------------------------------------------------------------

function jumpOutside({ image, a: atom, b: place }: Fault): RootletError {
  const code = codeOf(image, atom);
  return inputError(
    'object-jump-outside',
    codePlace(image, atom, place),
    `jumps to instruction ${jumpTarget(code, place)} of a function of ${code.length}`,
  );
}

function calleeNowhere({ image, a: atom, b: place }: Fault): RootletError {
  const target = place + 1 + codeOf(image, atom).imm(place);
  return nowhere(codePlace(image, atom, place), image.get(ATOM.offset, atom) + target * INSN_SIZE);
}

function addressAddend({ image, a: atom, b: place }: Fault): RootletError {
  const addend = codeOf(image, atom).imm64(place);
  return inputError(
    'object-addend',
    codePlace(image, atom, place),
    `loads an address with the addend ${addend}`,
  );
}

// --- the object ---------------------------------------------------------------------------------------------------

const LICENSE_HINT = 'write char LICENSE[] SEC("license") = "GPL"; without a length';

const LICENSE = ['section "license"'];

function licensePointer(): RootletError {
  const message = 'contains a relocation where a string is expected';
  return inputError('object-license-pointer', LICENSE, message, { hint: LICENSE_HINT });
}

function licenseUnterminated(): RootletError {
  return inputError('object-license-unterminated', LICENSE, 'does not end with a NUL byte', {
    hint: LICENSE_HINT,
  });
}

type Explain = (fault: Fault) => RootletError;

const EXPLAIN: ReadonlyMap<number, Explain> = new Map<number, Explain>([
  [
    OBJECT_FAULT.mapsNobits,
    ({ image, a }) =>
      inputError('object-maps-nobits', [sectionPlace(image, a)], 'has no contents, so it defines no maps'),
  ],
  [OBJECT_FAULT.overlap, overlap],
  [OBJECT_FAULT.functionExtent, functionExtent],
  [OBJECT_FAULT.stringSection, stringSection],
  [
    OBJECT_FAULT.absoluteSymbol,
    ({ image, a }) =>
      inputError(
        'object-absolute-symbol',
        [`symbol ${quote(symbolName(image, a))}`],
        'is absolute; BPF code has no absolute addresses',
      ),
  ],
  [OBJECT_FAULT.relocationDuplicate, duplicate],
  [OBJECT_FAULT.relocationPlace, misplaced],
  [OBJECT_FAULT.relocationHelper, unfit(() => 'calls a helper by number')],
  [OBJECT_FAULT.relocationHalf, unfit(() => 'is the second half of ld_imm64')],
  [OBJECT_FAULT.relocationOpcode, unfit(({ d }) => `has opcode 0x${d.toString(16)}`)],
  [OBJECT_FAULT.relocationData, relocationData],
  [OBJECT_FAULT.secondHalf, cutInsn],
  [OBJECT_FAULT.addressAddend, addressAddend],
  [OBJECT_FAULT.dataAddend, dataAddend],
  [
    OBJECT_FAULT.callData,
    fault =>
      inputError(
        'object-call-data',
        relocationPlace(fault),
        `calls ${quote(atomName(fault.image, fault.c))}, which is not a function`,
      ),
  ],
  [OBJECT_FAULT.callAddend, addendError('calls')],
  [OBJECT_FAULT.loadAddend, addendError('loads the address of')],
  [OBJECT_FAULT.callInside, fault => callError(fault, fault.d + fault.e * TWO_32, relocationPlace(fault))],
  [OBJECT_FAULT.dropped, dropped],
  [OBJECT_FAULT.nowhere, referenceNowhere],
  [OBJECT_FAULT.jumpOutside, jumpOutside],
  [OBJECT_FAULT.calleeNowhere, calleeNowhere],
  [OBJECT_FAULT.calleeInside, fault => callError(fault, fault.d, codePlace(fault.image, fault.a, fault.b))],
  [OBJECT_FAULT.cutInsn, cutInsn],
  [OBJECT_FAULT.untypedMap, ({ image, a }) => untypedMap([`map ${quote(atomName(image, a))}`])],
  [OBJECT_FAULT.licensePointer, licensePointer],
  [OBJECT_FAULT.licenseUnterminated, licenseUnterminated],
]);
