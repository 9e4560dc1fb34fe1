/** Problems for what the kernels that write an object refuse. */

import { btfOf, describeType } from '../../btf/index.ts';
import { bugError, inputError, quote, type RootletError } from '../../diag/index.ts';
import { ATOM, FAULT, type Image, SHELL, UNIT } from '../../image/index.ts';
import { WRITE_FAULT } from './faults.ts';

/** Throws the fault in a row of FAULT. */
export function throwFault(image: Image, row: number): never {
  const [a, b] = [image.get(FAULT.a, row), image.get(FAULT.b, row)];
  throw errorOf(image, image.get(FAULT.code, row), image.get(FAULT.unit, row), a, b);
}

function errorOf(image: Image, code: number, unit: number, a: number, b: number): RootletError {
  const symbol = (): string[] => [`symbol ${quote(image.nameText(image.get(ATOM.name, a)))}`];
  switch (code) {
    case WRITE_FAULT.sectionSize: {
      const where = [`section ${quote(image.nameText(image.get(SHELL.name, a)))}`];
      return inputError('elf-number-too-large', where, 'takes more than 2147483647 bytes');
    }
    case WRITE_FAULT.fileSize:
      return inputError('elf-number-too-large', [], 'the file takes more than 2147483647 bytes');
    case WRITE_FAULT.noSymbol:
      return bugError([], `relocation at ${a} refers to symbol 0`);
    case WRITE_FAULT.referencePlace:
      return bugError(symbol(), `has a reference at ${b}, outside of its ${image.get(ATOM.size, a)} bytes`);
    case WRITE_FAULT.typeId: {
      const count = image.get(UNIT.typeCount, unit);
      return inputError('btf-type-id', symbol(), `refers to type ${b}, but there are only ${count}`);
    }
    case WRITE_FAULT.sectionName:
      return inputError('btf-name', symbol(), 'is in a section without a name');
    default:
      return dataSectionError(image, code, unit, a, b);
  }
}

function dataSectionError(image: Image, code: number, unit: number, name: number, b: number): RootletError {
  const where = [`data section ${quote(image.nameText(name))}`];
  if (code === WRITE_FAULT.variableCount)
    return inputError('btf-value-range', where, `has ${b} elements; the format takes ${0xffffff}`);
  // WRITE_FAULT.variableKind
  const type = describeType(btfOf(image, unit), b);
  return inputError('btf-reference-kind', where, `cannot refer to ${type}`);
}
