/**
 * Archives among the inputs: members are pulled in on demand.
 *
 * A member is pulled in if it defines a name that a linked object needs: a strong reference without a
 * definition. A weak reference does not pull, nor does a name that the kernel resolves. All archives are
 * searched until no further member is needed, so their order and cycles between them do not matter (`ld`
 * needs --start-group for that, lld does the same). A member takes the position of its archive in the link,
 * in the order in which members are pulled in.
 */

import { elementAt, type InputFile, valueAt } from '../../bytes/index.ts';
import { inputError, type Problem, quote, RootletError } from '../../diag/index.ts';
import { type Archive, identify, parseArchive } from '../../elf/index.ts';
import { type BpfObject, type ReadOptions, readObject } from '../../object/index.ts';
import { isKernelName } from '../resolve/index.ts';

/** Both kinds of archives begin with `!`. */
const ARCHIVE_START = 0x21;

/** A file as it was given: an object or an archive. */
export interface ArchiveInput extends InputFile {
  /** Take all members of an archive, not only those that are needed. */
  readonly wholeArchive?: boolean;
}

/** Why a member was pulled in. */
export interface PulledMember {
  readonly archive: string;
  readonly member: string;
  /** The name that it defines; null with `wholeArchive`. */
  readonly symbol: string | null;
  /** Input that needs the name. */
  readonly neededBy: string | null;
}

export interface ArchiveOptions extends ReadOptions {
  /** Contents of a file that a thin archive names, relative to the archive. */
  readonly readMember?: (archive: string, member: string) => Uint8Array;
  /** What is done to inputs before their names are looked at. */
  readonly prepare?: Preparation;
  /** Names that are defined elsewhere, so that no member is needed for them. */
  readonly isProvided?: (name: string) => boolean;
  /** Externs of an object that are bound to another name. */
  readonly boundExterns?: (object: BpfObject) => ReadonlySet<string>;
}

/** Changes to inputs, and what follows from them for archives. */
export interface Preparation {
  /** The object as it takes part in the link. `input` is the file or archive that it came from. */
  object(object: BpfObject, input: string): BpfObject;
  /** An archive's index under the names that its members will have. */
  index(
    archive: string,
    symbols: ReadonlyMap<string, number>,
    memberName: (position: number) => string,
  ): ReadonlyMap<string, number>;
  /** The name that has to be defined for a reference to `name`. */
  required(name: string): string;
}

export function isArchive(bytes: Uint8Array): boolean {
  if (bytes[0] !== ARCHIVE_START) return false;
  const { kind } = identify(bytes);
  return kind === 'archive' || kind === 'thin-archive';
}

/** Objects of all inputs in order, archives replaced by the members that were taken. */
export interface PulledInputs {
  readonly objects: readonly BpfObject[];
  readonly pulled: readonly PulledMember[];
  readonly problems: readonly Problem[];
}

/** One place in the list of inputs. */
export type InputSlot =
  | { readonly kind: 'object'; readonly object: BpfObject }
  | { readonly kind: 'archive'; readonly input: ArchiveInput };

export function pullMembers(slots: readonly InputSlot[], options: ArchiveOptions): PulledInputs {
  const objects = slots.flatMap(slot => (slot.kind === 'object' ? [slot.object] : []));
  if (objects.length === slots.length) return { objects, pulled: [], problems: [] };
  const puller = new Puller(options);
  for (const slot of slots) {
    if (slot.kind === 'object') puller.addObject(slot.object);
    else puller.addArchive(slot.input);
  }
  puller.run();
  return puller.finish();
}

/** What the members of an archive define, under the names that they will have. */
export function archiveNames(
  input: ArchiveInput,
  options: ArchiveOptions,
): { readonly names: readonly string[]; readonly problems: readonly Problem[] } {
  const puller = new Puller(options);
  puller.addArchive({ name: input.name, bytes: input.bytes });
  return { names: puller.names(), problems: puller.finish().problems };
}

interface OpenArchive {
  readonly input: ArchiveInput;
  readonly archive: Archive;
  /** Symbol → position of the member that defines it. */
  readonly symbols: ReadonlyMap<string, number>;
  readonly taken: Set<number>;
  readonly objects: BpfObject[];
}

class Puller {
  readonly #options: ArchiveOptions;
  readonly #places: (BpfObject | OpenArchive)[] = [];
  readonly #archives: OpenArchive[] = [];
  readonly #defined = new Set<string>();
  /** Needed name → input that needs it first, in order of need. */
  readonly #needed = new Map<string, string>();
  readonly #pulled: PulledMember[] = [];
  readonly #problems: Problem[] = [];

  constructor(options: ArchiveOptions) {
    this.#options = options;
  }

  addObject(object: BpfObject): void {
    this.#places.push(object);
    this.#learn(object);
  }

  addArchive(input: ArchiveInput): void {
    const archive = this.#guard(() => parseArchive(input));
    if (archive === undefined) return;
    const open: OpenArchive = {
      input,
      archive,
      symbols: this.#preparedIndex(input, archive),
      taken: new Set(),
      objects: [],
    };
    this.#places.push(open);
    this.#archives.push(open);
    if (input.wholeArchive !== true) return;
    archive.members.forEach((_, position) => {
      this.#take(open, position, null);
    });
  }

  #preparedIndex(input: ArchiveInput, archive: Archive): ReadonlyMap<string, number> {
    const symbols = archive.hasIndex ? archive.symbols : this.#indexOf(input, archive);
    const memberName = (position: number): string => elementAt(archive.members, position).name;
    return this.#options.prepare?.index(input.name, symbols, memberName) ?? symbols;
  }

  /** Takes members until no archive has anything that is needed. */
  run(): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (const open of this.#archives) changed = this.#search(open) || changed;
    }
  }

  /** Names that any archive's index has. */
  names(): string[] {
    return this.#archives.flatMap(open => [...open.symbols.keys()]);
  }

  finish(): PulledInputs {
    const objects = this.#places.flatMap(place => ('archive' in place ? place.objects : [place]));
    return { objects, pulled: this.#pulled, problems: this.#problems };
  }

  #search(open: OpenArchive): boolean {
    let changed = false;
    for (const name of this.#needed.keys()) {
      if (this.#defined.has(name)) continue;
      const position = open.symbols.get(name);
      if (position === undefined || open.taken.has(position)) continue;
      this.#take(open, position, name);
      if (!this.#defined.has(name)) this.#staleIndex(open, position, name);
      changed = true;
    }
    return changed;
  }

  #take(open: OpenArchive, position: number, symbol: string | null): void {
    open.taken.add(position);
    const object = this.#prepared(open, position);
    if (object === undefined) {
      if (symbol !== null) this.#defined.add(symbol); // reported once
      return;
    }
    open.objects.push(object);
    const member = elementAt(open.archive.members, position).name;
    this.#pulled.push({
      archive: open.input.name,
      member,
      symbol,
      neededBy: symbol === null ? null : valueAt(this.#needed, symbol),
    });
    this.#learn(object);
  }

  #prepared(open: OpenArchive, position: number): BpfObject | undefined {
    const read = this.#readMember(open.input, open.archive, position);
    const { prepare } = this.#options;
    if (read === undefined || prepare === undefined) return read;
    return this.#guard(() => prepare.object(read, open.input.name));
  }

  #staleIndex(open: OpenArchive, position: number, name: string): void {
    this.#defined.add(name);
    if (this.#options.prepare !== undefined) return; // it may have been made static
    const member = elementAt(open.archive.members, position).name;
    const error = inputError(
      'archive-index-stale',
      [open.input.name],
      `according to its index, ${member} defines ${quote(name)}, which it does not`,
      {
        hint: 'rebuild the index: llvm-ranlib, or ar s',
      },
    );
    this.#problems.push(...error.problems);
  }

  #learn(object: BpfObject): void {
    const bound = this.#options.boundExterns?.(object);
    for (const symbol of object.symbols) {
      if (symbol.binding === 'local') continue;
      if (symbol.kind !== 'extern') this.#defined.add(symbol.name);
      else if (symbol.binding !== 'weak' && !isKernelName(symbol) && bound?.has(symbol.name) !== true)
        this.#need(symbol.name, object.name);
    }
  }

  #need(wanted: string, by: string): void {
    const name = this.#options.prepare?.required(wanted) ?? wanted;
    if (this.#options.isProvided?.(name) === true) return;
    if (!this.#needed.has(name)) this.#needed.set(name, by);
  }

  #readMember(input: ArchiveInput, archive: Archive, position: number): BpfObject | undefined {
    const member = archive.members[position];
    if (member === undefined) return undefined;
    return this.#guard(() => {
      const bytes = member.bytes ?? this.#readThin(input, member.name);
      return readObject({ name: `${input.name}(${member.name})`, bytes }, this.#options);
    });
  }

  #readThin(input: ArchiveInput, member: string): Uint8Array {
    const { readMember } = this.#options;
    if (readMember !== undefined) return readMember(input.name, member);
    throw inputError(
      'archive-thin',
      [input.name],
      `is a thin archive, whose member ${quote(member)} is a separate file`,
      {
        hint: 'use an ordinary archive, or give the files themselves',
      },
    );
  }

  /** What the members define, for an archive without an index; the first definition of a name counts. */
  #indexOf(input: ArchiveInput, archive: Archive): Map<string, number> {
    const symbols = new Map<string, number>();
    archive.members.forEach((_, position) => {
      for (const symbol of this.#readMember(input, archive, position)?.symbols ?? []) {
        if (symbol.kind !== 'extern' && symbol.binding !== 'local' && !symbols.has(symbol.name))
          symbols.set(symbol.name, position);
      }
    });
    return symbols;
  }

  #guard<T>(body: () => T): T | undefined {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      this.#problems.push(...error.problems);
      return undefined;
    }
  }
}
