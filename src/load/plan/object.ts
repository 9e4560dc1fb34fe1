/** `planLoad`: from a symbolic object to everything that will be requested from the kernel. */

import { type Btf, type BtfId, encodeBtfWithTexts } from '../../btf/index.ts';
import { inputError, type Limits, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  layoutSections,
  licenseOf,
  notesOf,
  stripDataSections,
  withAllFunctionTypes,
} from '../../object/index.ts';
import type { ExternBindings } from '../externs/index.ts';
import { kernelTypes } from './btf.ts';
import { planGlobals, setInitialValues } from './globals.ts';
import { kconfigMap, layoutKconfig } from './kconfig.ts';
import { planMaps } from './maps.ts';
import { objectBaseName } from './names.ts';
import type { LoadPlan, MapPlan, ProgramPlan } from './plan.ts';
import type { PreparedObject } from './prepared.ts';
import { type DraftProgram, type ProgramOptions, planPrograms } from './programs.ts';
import { encodeFuncInfo, encodeLineInfo } from './records.ts';

/** Options of the plan of a load. */
export interface PlanOptions extends ProgramOptions {
  /** Name that maps of globals start with; without it the object's file name up to its first dot. */
  readonly objectName?: string;
  /** Map name → name in the kernel, where it is not the one that the object's own names give. */
  readonly kernelNames?: ReadonlyMap<string, string>;
  /** Map name → max_entries instead of the one in the object. */
  readonly maxEntries?: ReadonlyMap<string, number>;
  /** Values of globals, constants among them, instead of those in the object. */
  readonly globals?: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;
  /** Limits of input, as `--limits` takes them (docs/robustness.md). */
  readonly limits?: Limits;
  /**
   * Which variables count as globals of the object; without it all. Those of others may come with their maps.
   * @internal
   */
  readonly ownGlobal?: (name: string, section: string) => boolean;
}

/**
 * Plans the load of an object. Throws `load-…` and `map-…` errors that name everything that is wrong at once.
 */
export function planLoad(input: PreparedObject, options: PlanOptions = {}): LoadPlan {
  const prepared = { ...input, object: withAllFunctionTypes(stripDataSections(input.object)) };
  const { object, bindings, operations } = prepared;
  const objectName = options.objectName ?? objectBaseName(object.name);
  const layout = layoutSections(object);
  const kconfig = object.btf === null ? null : layoutKconfig(object, object.btf, bindings, options.limits);
  const types =
    object.btf === null
      ? null
      : kernelTypes(object, object.btf, layout, kconfig === null ? [] : [kconfig.dataSection]);
  const dataSections = types?.dataSections ?? new Map<string, BtfId>();
  const maps = planMaps(object, layout, dataSections, { ...options, objectName });
  const all = [
    ...maps.maps,
    ...(kconfig === null ? [] : [kconfigMap(kconfig, objectName, dataSections.get('.kconfig') ?? 0)]),
    ...operations.tables,
  ];
  const drafts = planPrograms(
    prepared,
    {
      layout,
      maps,
      bindings,
      kconfig: kconfig === null ? null : { map: maps.maps.length, offsets: kconfig.offsets },
    },
    options,
  );
  const globals = planGlobals(object, layout, maps).filter(
    ({ name, section }) => options.ownGlobal?.(name, section) ?? true,
  );
  return {
    source: object.name,
    objectName,
    byteOrder: object.byteOrder,
    license: licenseOf(object) ?? '',
    types: types?.btf ?? null,
    maps: setInitialValues(
      named(all, options.kernelNames),
      globals,
      types?.btf ?? null,
      object.byteOrder,
      globalEntries(options.globals),
    ),
    globals,
    notes: [...notesOf(object), ...maps.notes, ...operations.notes, ...bindingNotes(bindings)],
    ...encodePrograms(object, types?.btf ?? null, drafts),
  };
}

/** What externs are bound to differs from what they stand for. */
function bindingNotes(bindings: ExternBindings): string[] {
  return [...bindings.values()].flatMap(binding =>
    'note' in binding && binding.note !== undefined ? [binding.note] : [],
  );
}

function named(maps: readonly MapPlan[], names: PlanOptions['kernelNames']): readonly MapPlan[] {
  return names === undefined
    ? maps
    : maps.map(map => ({ ...map, kernelName: names.get(map.name) ?? map.kernelName }));
}

/** Types as bytes, and the programs with their records, which refer to texts in the types' string table. */
function encodePrograms(
  object: BpfObject,
  types: Btf | null,
  drafts: readonly DraftProgram[],
): Pick<LoadPlan, 'btf' | 'programs'> {
  requireNamesOnce(object, drafts);
  const texts = drafts.flatMap(draft => draft.lines.flatMap(line => [line.file, line.text]));
  // The kernel refuses BTF without any type.
  const encoded =
    types === null || types.count === 0 ? null : encodeBtfWithTexts(types, texts, object.byteOrder);
  const programs = drafts.map(draft => withRecords(object, draft, encoded?.offsetOf ?? null));
  return { btf: encoded?.bytes ?? null, programs };
}

/** Values of variables by name, as they were given. */
export function globalEntries(values: PlanOptions['globals']): Iterable<readonly [string, unknown]> {
  if (values === undefined) return [];
  return values instanceof Map ? values : Object.entries(values);
}

/** Without types for all functions there are neither function nor line records. */
function withRecords(
  object: BpfObject,
  draft: DraftProgram,
  offsetOf: ((text: string) => number) | null,
): ProgramPlan {
  const funcInfo = offsetOf === null ? null : encodeFuncInfo(draft.functions, object.byteOrder);
  const lineInfo =
    offsetOf === null || funcInfo === null ? null : encodeLineInfo(draft.lines, offsetOf, object.byteOrder);
  return { ...draft, funcInfo, lineInfo };
}

function requireNamesOnce(object: BpfObject, programs: readonly DraftProgram[]): void {
  const seen = new Set<string>();
  for (const { name } of programs) {
    if (seen.has(name))
      throw inputError('load-program-twice', [object.name], `has two programs named ${quote(name)}`);
    seen.add(name);
  }
}
