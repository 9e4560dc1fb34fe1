/** First step of a merge: which types of which input survive. */

import { elementAt } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import { type BtfId, forEachReference, type RawBtf } from '../model/index.ts';
import type { MergeInput, MergeTarget } from './input.ts';

/** More than any link has symbols of one name. */
const MAX_REDIRECTIONS = 100_000;

/** The end of a chain of redirections. */
export function followRedirects(inputs: readonly MergeInput[], from: MergeTarget): MergeTarget {
  let current = from;
  for (let step = 0; step < MAX_REDIRECTIONS; step++) {
    const next = inputs[current.input]?.redirect?.get(current.id);
    if (next === undefined) return current;
    current = next;
  }
  throw bugError(['BTF merge'], `redirection of type ${from.id} of input ${from.input} does not end`);
}

/** For each input and id: 1 when the type is copied. */
export function selectTypes(inputs: readonly MergeInput[], raws: readonly RawBtf[]): Uint8Array[] {
  const selection = new Selection(inputs, raws);
  for (const [index, input] of inputs.entries()) {
    if (input.roots === undefined) selection.keepAll(index);
  }
  for (const [index, input] of inputs.entries()) {
    for (const id of input.roots ?? []) selection.keep(index, id);
    if (input.roots === undefined) for (const id of input.redirect?.keys() ?? []) selection.keep(index, id);
  }
  selection.close();
  selection.dropTagsOfDropped();
  return selection.kept;
}

class Selection {
  readonly kept: Uint8Array[];
  readonly #inputs: readonly MergeInput[];
  readonly #raws: readonly RawBtf[];
  /** For inputs with roots: declaration tags by the type that they tag. */
  readonly #tags: (Map<BtfId, BtfId[]> | undefined)[];
  /** Pairs of input and id whose references are still to be followed. */
  readonly #pending: number[] = [];

  constructor(inputs: readonly MergeInput[], raws: readonly RawBtf[]) {
    this.#inputs = inputs;
    this.#raws = raws;
    this.kept = raws.map(raw => new Uint8Array(raw.count + 1));
    this.#tags = raws.map((raw, index) =>
      inputs[index]?.roots === undefined ? undefined : tagsByTarget(raw),
    );
  }

  /** Everything of the input that is not left out or redirected. Nothing has to be followed within it. */
  keepAll(index: number): void {
    const raw = this.#raws[index];
    const kept = this.kept[index];
    if (raw === undefined || kept === undefined) return;
    for (let id = 1; id <= raw.count; id++) if (this.#mayKeep(index, id)) kept[id] = 1;
  }

  /** The type, or what it is redirected to. */
  keep(index: number, id: BtfId): void {
    if (id === 0) return;
    const target = followRedirects(this.#inputs, { input: index, id });
    const kept = this.kept[target.input];
    if (kept === undefined || kept[target.id] !== 0 || !this.#mayKeep(target.input, target.id)) return;
    kept[target.id] = 1;
    this.#pending.push(target.input, target.id);
  }

  /** Follows references until nothing is added. */
  close(): void {
    while (this.#pending.length > 0) {
      const id = this.#pending.pop() ?? 0;
      const index = this.#pending.pop() ?? 0;
      const raw = this.#raws[index];
      if (raw === undefined) continue;
      forEachReference(raw, id, target => this.keep(index, target));
      for (const tag of this.#tags[index]?.get(id) ?? []) this.keep(index, tag);
    }
  }

  /** A tag on a type that is left out or redirected goes with it. */
  dropTagsOfDropped(): void {
    for (const [index, raw] of this.#raws.entries()) {
      const kept = this.kept[index];
      if (kept === undefined) continue;
      for (let id = 1; id <= raw.count; id++) {
        if (kept[id] === 1 && raw.kindOf(id) === BTF_KIND.DECL_TAG && kept[tagTarget(raw, id)] !== 1)
          kept[id] = 0;
      }
    }
  }

  #mayKeep(index: number, id: BtfId): boolean {
    const input = this.#inputs[index];
    const raw = this.#raws[index];
    if (input === undefined || raw === undefined || raw.kindOf(id) === BTF_KIND.DATASEC) return false;
    return input.omit?.has(id) !== true && input.redirect?.has(id) !== true;
  }
}

function tagTarget(raw: RawBtf, id: BtfId): BtfId {
  return elementAt(raw.words, elementAt(raw.start, id) + 2);
}

function tagsByTarget(raw: RawBtf): Map<BtfId, BtfId[]> {
  const tags = new Map<BtfId, BtfId[]>();
  for (let id = 1; id <= raw.count; id++) {
    if (raw.kindOf(id) !== BTF_KIND.DECL_TAG) continue;
    const target = tagTarget(raw, id);
    const known = tags.get(target);
    if (known === undefined) tags.set(target, [id]);
    else known.push(id);
  }
  return tags;
}
