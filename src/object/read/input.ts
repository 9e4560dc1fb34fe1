/**
 * Object files where they enter: the bytes as they were given, and the object in them, parsed once.
 *
 * Both travel together. Records keep the bytes and tell versions apart by them; everything else uses the
 * object.
 */

import { given, type InputFile } from '../../bytes/index.ts';
import type { Limits } from '../../diag/index.ts';
import type { BpfObject } from '../model/index.ts';
import { readObject } from './read.ts';

/** An object file as it was given, with the name that messages use. */
export interface ObjectFile extends InputFile {
  /** Where it is, absolute: it tells files of one name apart. Default: the name. */
  readonly path?: string;
}

/** An object file whose object is read when it is first asked for, and kept. */
export class InputObject implements ObjectFile {
  readonly name: string;
  readonly path?: string;
  readonly bytes: Uint8Array;
  readonly #limits: Limits | undefined;
  #object: BpfObject | undefined;

  /** `object`: what `bytes` contain, where it is known. `limits`: of reading. */
  constructor(file: ObjectFile, object?: BpfObject, limits?: Limits) {
    this.name = file.name;
    if (file.path !== undefined) this.path = file.path;
    this.bytes = file.bytes;
    this.#object = object;
    this.#limits = limits;
  }

  /** The same file if it is one already. */
  static from(file: ObjectFile, limits?: Limits): InputObject {
    return file instanceof InputObject ? file : new InputObject(file, undefined, limits);
  }

  /** As `readObject` with `keepFaults` reads it. Throws what that throws. */
  get object(): BpfObject {
    this.#object ??= readObject(this, { keepFaults: true, ...given({ limits: this.#limits }) });
    return this.#object;
  }
}
