/**
 * The slots of an attachment in its record: enough for any later process to continue.
 *
 * The files of rootlet and components are in the record beside it. While a change is under way the record has
 * a second description (`pending`) of the generation that is about to run, so that a process that was killed
 * in the middle leaves something that the next one can finish or drop.
 */

import { given } from '../../bytes/index.ts';
import { inputError, type RootletError, WIDEST_LIMITS } from '../../diag/index.ts';
import { InputObject, type ObjectFile } from '../../object/index.ts';
import { type EntryState, partKey } from '../../state/index.ts';
import { Fields, fieldsOf, type JsonObject, type JsonValue, type RecordFiles } from '../../store/index.ts';
import {
  componentOf,
  type Design,
  type Guest,
  SLOT_BACK_ENDS,
  type SlotBackEnd,
  type SlotFill,
} from '../generation/index.ts';

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
  readonly via: SlotBackEnd;
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
    ...given({ generated: encodeGenerated(design) }),
    slots: design.fills.map(fill => ({
      slot: fill.slot,
      file: fill.file.name,
      path: fill.file.path ?? null,
      program: fill.program ?? null,
      component: fill.component,
      version: fill.version ?? null,
      ...given({ variant: fill.variant }),
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
  return Fields.of(value, 'slots', damaged).count('programId') === programId;
}

/** Makes one object of each file of a record; `key`: its name there. */
export type OpenFile = (key: string, file: ObjectFile) => InputObject;

/** Throws `relink-record`. */
export function decodeRelink(
  value: JsonValue | undefined,
  files: RecordFiles,
  state: EntryState,
  open: OpenFile = (_, file) => new InputObject(file, undefined, WIDEST_LIMITS),
): RelinkRecord {
  const fields = Fields.of(value, 'slots', damaged);
  const known = new Map<string, InputObject>();
  const fileOf = (key: string, name: string, path: string | null = null) => {
    const bytes = files.get(key);
    if (bytes === undefined) throw damaged(`the file of ${name}`);
    const file = known.get(key) ?? open(key, { name, ...(path === null ? {} : { path }), bytes });
    known.set(key, file); // one component has one file, whatever number of slots it fills
    return file;
  };
  const fills = fields.objects('slots').map((slot): SlotFill => {
    const program = slot.textOrNull('program');
    const component = slot.text('component');
    const version = slot.countOrNull('version') ?? undefined;
    const variant = slot.get('variant') === undefined ? undefined : slot.text('variant');
    return {
      slot: slot.text('slot'),
      file: fileOf(fileKey(partKey(component, version)), slot.text('file'), slot.textOrNull('path')),
      component,
      ...(program === null ? {} : { program }),
      ...given({ version, variant }),
    };
  });
  return {
    design: { rootlet: fileOf(ROOTLET_FILE, fields.text('rootlet')), fills, ...generatedIn(value) },
    main: fields.text('main'),
    running: fields.text('running'),
    programId: fields.count('programId'),
    via: fields.word('via', SLOT_BACK_ENDS),
    forced: fields.flag('forced'),
    ...state,
  };
}

/** Records of other rootlets do not have the field. */
function generatedIn(value: JsonValue | undefined): Pick<Design, 'generated'> {
  const { generated } = fieldsOf(value);
  if (generated === undefined) return {};
  const fields = Fields.of(generated, 'generated', damaged);
  const guests = fieldsOf(generated)['guests'] === undefined ? [] : fields.objects('guests').map(decodeGuest);
  const base = { mustReturn: fields.texts('mustReturn'), facts: fieldsOf(fields.get('facts')) };
  return { generated: guests.length === 0 ? base : { ...base, guests } };
}

function encodeGenerated({ generated }: Design): JsonObject | undefined {
  if (generated === undefined) return undefined;
  const { mustReturn, facts, guests } = generated;
  return { mustReturn, facts, ...given({ guests: guests?.map(guest => ({ ...guest })) }) };
}

function decodeGuest(fields: Fields): Guest {
  return {
    slot: fields.text('slot'),
    component: fields.text('component'),
    program: fields.text('program'),
    programId: fields.count('programId'),
  };
}

function damaged(what: string): RootletError {
  return inputError('relink-record', [], `the slots in the record cannot be read ("${what}")`, {
    hint: 'it was written by another version of rootlet: use that one, or detach the rootlet and attach it again',
  });
}
