/**
 * What the record of an attachment says of its slots: enough for any later process to go on.
 *
 * The files of rootlet and components are in the record beside it. While a change is under way the record has a second
 * description (`pending`) of the generation that is about to run, so that a process that was killed in the middle leaves
 * something that the next one can finish or drop.
 */

import { inputError, type RootletError } from '../../diag/index.ts';
import { InputObject, type ObjectFile } from '../../object/index.ts';
import { type EntryState, partKey } from '../../state/index.ts';
import type { JsonObject, JsonValue, RecordFiles } from '../../store/index.ts';
import { componentOf, type Design, type RelinkVia, type SlotFill } from '../generation/index.ts';

/** Field of an entry's data that describes its slots. */
export const RELINK_FIELD = 'relink';
/** Name in records of the rootlet's own file. */
export const ROOTLET_FILE = 'object';

export interface RelinkRecord extends EntryState {
  readonly design: Design;
  /** The rootlet's own program. */
  readonly main: string;
  /** The program on the hook, by its name among those of the entry, and by its id. */
  readonly running: string;
  readonly programId: number;
  readonly via: RelinkVia;
  /** Asked for by the user, not chosen. */
  readonly forced: boolean;
}

export function encodeRelink(record: RelinkRecord): {
  readonly data: JsonObject;
  readonly files: RecordFiles;
} {
  const { design, main, running, programId, via, forced } = record;
  const files = new Map([[ROOTLET_FILE, design.rootlet.bytes]]);
  for (const fill of design.fills) files.set(fileKey(componentOf(fill)), fill.file.bytes);
  const data: JsonObject = {
    rootlet: design.rootlet.name,
    main,
    running,
    programId,
    via,
    forced,
    slots: design.fills.map(fill => ({
      slot: fill.slot,
      file: fill.file.name,
      path: fill.file.path ?? null,
      program: fill.program ?? null,
      component: fill.component,
      version: fill.version ?? null,
    })),
  };
  return { data, files };
}

/** Name among the files of a record. `part`: `componentOf` a fill. */
function fileKey(part: string): string {
  return `component:${part}`;
}

/** Whether a record is about the program with this id. Throws `relink-record`. */
export function isAbout(value: JsonValue, programId: number): boolean {
  const fields = objectOf(value, 'slots');
  return countOf(fieldOf(fields, 'programId'), 'programId') === programId;
}

/** Makes one object of each file of a record; `key`: its name there. */
export type OpenFile = (key: string, file: ObjectFile) => InputObject;

/** Throws `relink-record`. */
export function decodeRelink(
  value: JsonValue | undefined,
  files: RecordFiles,
  state: EntryState,
  open: OpenFile = (_, file) => new InputObject(file),
): RelinkRecord {
  const fields = objectOf(value, 'slots');
  const known = new Map<string, InputObject>();
  const fileOf = (key: string, name: string, path: string | null = null) => {
    const bytes = files.get(key);
    if (bytes === undefined) throw damaged(`the file of ${name}`);
    const file = known.get(key) ?? open(key, { name, ...(path === null ? {} : { path }), bytes });
    known.set(key, file); // one component has one file, whatever number of slots it fills
    return file;
  };
  const fills = listOf(fields, 'slots').map((entry): SlotFill => {
    const slot = objectOf(entry, 'slots');
    const program = optionalText(slot, 'program');
    const component = textOf(slot, 'component');
    const given = fieldOf(slot, 'version');
    const version = given === null ? undefined : countOf(given, 'version');
    return {
      slot: textOf(slot, 'slot'),
      file: fileOf(fileKey(partKey(component, version)), textOf(slot, 'file'), optionalText(slot, 'path')),
      component,
      ...(program === null ? {} : { program }),
      ...(version === undefined ? {} : { version }),
    };
  });
  return {
    design: { rootlet: fileOf(ROOTLET_FILE, textOf(fields, 'rootlet')), fills },
    main: textOf(fields, 'main'),
    running: textOf(fields, 'running'),
    programId: countOf(fieldOf(fields, 'programId'), 'programId'),
    via: viaOf(textOf(fields, 'via')),
    forced: fieldOf(fields, 'forced') === true,
    ...state,
  };
}

function viaOf(text: string): RelinkVia {
  if (text === 'static' || text === 'tail' || text === 'ext') return text;
  throw damaged('via');
}

/** Own properties only: names in a record are somebody else's. */
function fieldOf(fields: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function objectOf(value: JsonValue | undefined, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || isList(value)) throw damaged(name);
  return value;
}

function listOf(fields: JsonObject, name: string): readonly JsonValue[] {
  const value = fieldOf(fields, name);
  if (!isList(value)) throw damaged(name);
  return value;
}

function textOf(fields: JsonObject, name: string): string {
  const value = fieldOf(fields, name);
  if (typeof value !== 'string') throw damaged(name);
  return value;
}

function optionalText(fields: JsonObject, name: string): string | null {
  return fieldOf(fields, name) === null ? null : textOf(fields, name);
}

function countOf(value: JsonValue | undefined, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw damaged(name);
  return value;
}

function damaged(what: string): RootletError {
  return inputError('relink-record', [], `what the record says of slots cannot be read ("${what}")`, {
    hint: 'another version of rootlet made it: use that one, or detach the rootlet and attach it again',
  });
}
