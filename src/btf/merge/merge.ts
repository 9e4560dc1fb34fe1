/**
 * Several sets of types to one without duplicates.
 *
 * Three steps: select what survives of each input, copy it into one section with common strings, and let the
 * first of equal types represent all of them. Types keep the order of inputs and of ids in them, so that
 * merging a result again changes nothing.
 *
 * DATASEC types are never copied: they describe a layout, and the caller builds a new one. Declaration tags
 * go with what they tag: those of a type that is omitted or redirected are dropped (libbpf moves them to the
 * other type, which changes its interface).
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import { noElement } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import {
  type BtfId,
  type BtfType,
  firstReference,
  INFO,
  kindOfInfo,
  RawBtf,
  referenceCount,
  referenceStride,
  StringMapper,
  StringPool,
  TypeWriter,
  toRaw,
  vlenOfInfo,
} from '../model/index.ts';
import { findRepresentatives } from './dedup.ts';
import type { MergeEdit, MergeInput } from './input.ts';
import { followRedirects, selectTypes } from './select.ts';

export interface MergeResult {
  readonly btf: RawBtf;
  /** For each input: old id → new id; 0 for void and for what is gone. */
  readonly ids: readonly Uint32Array[];
  /** Types in all inputs. */
  readonly before: number;
  /** Types in the result. */
  readonly after: number;
}

export function mergeBtf(inputs: readonly MergeInput[]): MergeResult {
  const raws = inputs.map(input => toRaw(input.btf));
  const selected = selectTypes(inputs, raws);
  const { btf: all, ids } = concatenate(inputs, raws, selected);
  const representatives = findRepresentatives(all);
  const numbers = numberSurvivors(representatives);
  const btf = compact(all, representatives, numbers);
  for (const map of ids) for (let id = 1; id < map.length; id++) map[id] = numbers[map[id] ?? 0] ?? 0;
  return { btf, ids, before: raws.reduce((sum, raw) => sum + raw.count, 0), after: btf.count };
}

// --- one section --------------------------------------------------------------------------------------------------

interface Concatenated {
  readonly btf: RawBtf;
  readonly ids: readonly Uint32Array[];
}

function concatenate(
  inputs: readonly MergeInput[],
  raws: readonly RawBtf[],
  selected: readonly Uint8Array[],
): Concatenated {
  const words = raws.reduce((sum, raw) => sum + raw.words.length, 64);
  const types = raws.reduce((sum, raw) => sum + raw.count, 2);
  const names = raws.reduce((sum, raw) => sum + raw.strings.length, 0);
  const writer = new TypeWriter(new StringPool(names), words, types);
  const strings = new StringMapper(writer.strings, new Uint8Array(0));
  const ids: Uint32Array[] = [];
  for (const [index, raw] of raws.entries()) {
    strings.use(raw.strings);
    const map = new Uint32Array(raw.count + 1);
    const edits = inputs[index]?.edits;
    for (let id = 1; id <= raw.count; id++) {
      if (selected[index]?.[id] !== 1) continue;
      const edit = edits?.get(id);
      map[id] = edit === undefined ? writer.copy(raw, id, strings) : writer.add(edited(raw.type(id), edit));
    }
    ids.push(map);
  }
  const bounds = selectedBounds(ids, writer.count);
  for (const [index, input] of inputs.entries()) applyRedirects(inputs, ids, index, input);
  const btf = writer.finish();
  for (const [index, map] of ids.entries()) renumberReferences(btf, bounds, index, map);
  return { btf, ids };
}

function edited(type: BtfType, edit: MergeEdit): BtfType {
  if (type.kind !== 'var' && type.kind !== 'func') {
    throw bugError(['BTF merge'], `only variables and functions can be edited, not a ${type.kind}`);
  }
  return {
    ...type,
    name: edit.name ?? type.name,
    linkage: edit.linkage ?? type.linkage,
    type: edit.type ?? type.type,
  };
}

/** First combined id of each input, and one past the last of all. */
function selectedBounds(ids: readonly Uint32Array[], count: number): number[] {
  const bounds: number[] = [];
  let next = 1;
  for (const map of ids) {
    bounds.push(next);
    for (let id = 1; id < map.length; id++) if (map[id] !== 0) next++;
  }
  bounds.push(count + 1);
  return bounds;
}

function applyRedirects(
  inputs: readonly MergeInput[],
  ids: readonly Uint32Array[],
  index: number,
  input: MergeInput,
): void {
  for (const id of input.redirect?.keys() ?? []) {
    const target = followRedirects(inputs, { input: index, id });
    const map = ids[index];
    if (map !== undefined) map[id] = ids[target.input]?.[target.id] ?? 0;
  }
}

/** Rewrites the references of the types that came from one input. The section is not published yet. */
function renumberReferences(btf: RawBtf, bounds: readonly number[], index: number, map: Uint32Array): void {
  const { words, start } = btf;
  const end = bounds[index + 1] ?? noElement(bounds, index + 1);
  for (let id = bounds[index] ?? end; id < end; id++) {
    const info = btf.info(id);
    const kind = kindOfInfo(info);
    const stride = referenceStride(kind);
    let at = (start[id] ?? 0) + firstReference(kind);
    for (let left = referenceCount(kind, vlenOfInfo(info)); left > 0; left--, at += stride) {
      const target = words[at] ?? 0;
      const mapped = map[target] ?? 0;
      if (mapped === 0 && target !== 0) {
        throw bugError(
          ['BTF merge', `input ${index}`],
          `a type that is kept refers to type ${target}, which is not`,
        );
      }
      words[at] = mapped;
    }
  }
}

// --- survivors ----------------------------------------------------------------------------------------------------

/** New id for each old one: representatives in order, the others like their representative. */
function numberSurvivors(representatives: Uint32Array): Uint32Array {
  const numbers = new Uint32Array(representatives.length);
  let next = 0;
  for (let id = 1; id < representatives.length; id++) if (representatives[id] === id) numbers[id] = ++next;
  for (let id = 1; id < representatives.length; id++) numbers[id] = numbers[representatives[id] ?? 0] ?? 0;
  return numbers;
}

function compact(all: RawBtf, representatives: Uint32Array, numbers: Uint32Array): RawBtf {
  let count = 0;
  let size = 0;
  for (let id = 1; id <= all.count; id++) {
    if (representatives[id] !== id) continue;
    count++;
    size += (all.start[id + 1] ?? 0) - (all.start[id] ?? 0);
  }
  const words = new Uint32Array(size);
  const start = new Uint32Array(count + 2);
  let at = 0;
  for (let id = 1; id <= all.count; id++) {
    if (representatives[id] !== id) continue;
    start[numbers[id] ?? 0] = at;
    at = copyRenumbered(all, id, numbers, words, at);
  }
  start[count + 1] = at;
  return new RawBtf(words, start, all.strings.slice());
}

function copyRenumbered(
  all: RawBtf,
  id: BtfId,
  numbers: Uint32Array,
  words: Uint32Array,
  to: number,
): number {
  const begin = all.start[id] ?? 0;
  const end = all.start[id + 1] ?? begin;
  for (let at = begin; at < end; at++) words[to + at - begin] = all.words[at] ?? 0;
  const info = all.words[begin + INFO] ?? 0;
  const kind = kindOfInfo(info);
  const stride = referenceStride(kind);
  let at = to + firstReference(kind);
  for (let left = referenceCount(kind, vlenOfInfo(info)); left > 0; left--, at += stride) {
    words[at] = numbers[words[at] ?? 0] ?? 0;
  }
  return to + end - begin;
}
