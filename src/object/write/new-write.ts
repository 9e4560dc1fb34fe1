/** Draft. */
import { Image } from '../../image/index.ts';
import { type BpfObject, requireObject, requireSound } from '../model/index.ts';
import { importObject } from './import.ts';
import { stripDataSections } from './strip-data-sections.ts';
import { writeUnit } from './unit.ts';

/** Draft. */
export function writeObject(input: BpfObject): Uint8Array {
  requireObject('writeObject: input', input);
  requireSound(input);
  const image = new Image();
  return writeUnit(image, importObject(image, stripDataSections(input)));
}
