/**
 * Inputs of a link: objects, archives, and objects that were read before; all are read before any problem is
 * reported.
 */

import { requireFile } from '../../bytes/index.ts';
import { type Problem, problem, RootletError, requireList } from '../../diag/index.ts';
import type { Image } from '../../image/index.ts';
import {
  type BpfObject,
  InputObject,
  isObject,
  readObject,
  readPlaced,
  requireSound,
} from '../../object/index.ts';
import { mayHaveFaults } from '../resolve/index.ts';
import {
  type ArchiveInput,
  type ArchiveOptions,
  type InputSlot,
  isArchive,
  type PulledMember,
  pullMembers,
} from './archives.ts';

/**
 * A file's contents with the name that messages use, or an object that was read or made before. Options of
 * reading do not apply to an `InputObject`, which is parsed once, whoever asks first.
 */
export type LinkInput = ArchiveInput | InputObject | BpfObject;

/** Throws a `TypeError` unless `value` is an input of a link. `place` is function and argument. */
export function requireInput(place: string, value: unknown): asserts value is LinkInput {
  if (!isObject(value)) requireFile(place, value, '{ name, bytes } or a BpfObject');
}

/** The same for a list of inputs. */
export function requireInputs(
  caller: string,
  value: unknown,
  argument = 'inputs',
): asserts value is readonly LinkInput[] {
  requireList(`${caller}: ${argument}`, 'an array of { name, bytes } or BpfObject', value);
  value.forEach((input, at) => {
    requireInput(`${caller}: ${argument}[${at}]`, input);
  });
}

export interface ReadInputs {
  /** Only the inputs that could be read. */
  readonly objects: readonly BpfObject[];
  /** Members that were taken from archives. */
  readonly pulled: readonly PulledMember[];
  readonly problems: readonly Problem[];
}

export interface InputOptions extends ArchiveOptions {
  /** Accept archives. Default true. */
  readonly archives?: boolean;
  /** Where files are read into. */
  readonly image?: Image;
}

/** Bytes of files for which room is made before they are read. */
const MANY_BYTES = 1 << 20;

export function readInputs(inputs: readonly LinkInput[], options: InputOptions = {}): ReadInputs {
  const slots: InputSlot[] = [];
  const problems: Problem[] = [];
  for (const input of inputs) {
    try {
      slots.push(readSlot(input, options, slots.length === 0 ? inputs.length : 0));
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(...error.problems);
    }
  }
  const { objects, pulled, problems: refused } = pullMembers(slots, options);
  return {
    objects,
    pulled,
    problems: [
      ...problems,
      ...refused,
      ...byteOrderProblems(objects),
      ...(problems.length > 0 ? [] : nothingTaken(inputs, objects)),
    ],
  };
}

/** `files`: how many files there may be like this one, the first; 0 for others. */
function readSlot(input: LinkInput, options: InputOptions, files: number): InputSlot {
  if (!('bytes' in input)) return prepared(input, input.name, options);
  if (options.image !== undefined && !(input instanceof InputObject) && input.open !== undefined)
    return readOpened(options.image, input, options, files);
  const { bytes } = input; // once: it may be read from a file at this moment
  if (options.archives !== false && isArchive(bytes)) return archiveSlot(input, bytes);
  const object =
    input instanceof InputObject ? input.object : readObject({ name: input.name, bytes }, options);
  return prepared(object, input.name, options);
}

/** A file that is read into the image itself, where it stays if it is an object. */
function readOpened(image: Image, input: ArchiveInput, options: InputOptions, files: number): InputSlot {
  const { name } = input;
  const { at, size } = image.addFile(input);
  const bytes = image.bytes.subarray(at, at + size);
  if (options.archives !== false && isArchive(bytes)) {
    const slot = archiveSlot(input, bytes.slice());
    image.giveBack(at);
    return slot;
  }
  if (size * files >= MANY_BYTES) image.expect(size * files);
  return prepared(readPlaced(image, { name, at, size }, options), name, options);
}

function archiveSlot({ name, wholeArchive = false }: ArchiveInput, bytes: Uint8Array): InputSlot {
  return { kind: 'archive', input: { name, bytes, wholeArchive } };
}

function prepared(object: BpfObject, name: string, { prepare }: InputOptions): InputSlot {
  if (mayHaveFaults(object)) requireSound(object);
  return { kind: 'object', object: prepare?.object(object, name) ?? object };
}

/** Archives alone yield nothing: no name is needed before there is an object, or `wholeArchive`. */
function nothingTaken(inputs: readonly LinkInput[], objects: readonly BpfObject[]): Problem[] {
  const onlyArchives =
    objects.length === 0 &&
    inputs.length > 0 &&
    inputs.every(input => 'bytes' in input && isArchive(input.bytes));
  if (!onlyArchives) return [];
  return [
    problem('link-nothing', [], 'all inputs are archives, and no member is needed', {
      hint: 'add the object that uses them, or link all members with --whole-archive',
    }),
  ];
}

/** Objects of another byte order than the first. */
export function byteOrderProblems(objects: readonly BpfObject[]): Problem[] {
  const [first] = objects;
  if (first === undefined) return [];
  return objects
    .filter(object => object.byteOrder !== first.byteOrder)
    .map(object =>
      problem(
        'link-byte-order',
        [object.name],
        `is ${object.byteOrder}-endian, but ${first.name} is ${first.byteOrder}-endian`,
        { hint: 'compile all files for one target: -target bpfel or -target bpfeb' },
      ),
    );
}
