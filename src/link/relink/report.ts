/**
 * What a re-link did, as data: slots, components, renames, owners of maps and globals, usage of the kernel's
 * limits.
 */

import { elementAt } from '../../bytes/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  parseMapDefinition,
  sectionAt,
  textOfSection,
} from '../../object/index.ts';
import { mapTypeName } from '../../uapi/index.ts';
import {
  type Combined,
  type LicenseChoice,
  measureLimits,
  type PinnedMaps,
  type ProgramLimits,
  type Rename,
  withObject,
} from '../passes/index.ts';
import {
  type Finished,
  isGone,
  type LinkReport,
  replacedBy,
  reportLink,
  unusedSymbols,
} from '../report/index.ts';
import {
  describeSymbol,
  type ExplicitBinding,
  entryAt,
  groupAt,
  type Resolution,
  SHARED_SCOPE,
  type SymbolAt,
  symbolAt,
} from '../resolve/index.ts';
import type { RelinkInputs } from './inputs.ts';
import { type Plug, slotsOf } from './slots.ts';

/** What became of one slot. */
export interface FilledSlot {
  readonly slot: string;
  /** File of the component; null if the slot is not filled. */
  readonly component: string | null;
  /** `ReportedComponent.id`; null if the slot is not filled. */
  readonly id: string | null;
  /** Program of the component, by its own name. */
  readonly program: string | null;
  /** Name of the function in the result; where it is inlined, the name that it had before. */
  readonly function: string;
  /** The function is not in the result: its code is in the functions that called it. */
  readonly inlined: boolean;
}

/** One component: a file, or one of several copies of it. */
export interface ReportedComponent {
  /** `FILE`, or `FILE#INSTANCE` for a copy with a state of its own: stable across runs. */
  readonly id: string;
  readonly file: string;
  readonly instance: string | null;
  /** Slots that it fills. */
  readonly slots: readonly string[];
  readonly license: string | null;
  /** Members of libraries that it has, `ARCHIVE(MEMBER)`. */
  readonly members: readonly string[];
}

/** A map or global of the result. `shared` when the rootlet or components have it in common. */
export interface ReportedState {
  /** Name in the result. */
  readonly name: string;
  readonly declaration: string;
  readonly section: string;
  /** Bytes of a global; the definition of a map is in `map`. */
  readonly size: number;
  /** Component that it came from (`ReportedComponent.id`); null for the rootlet. */
  readonly owner: string | null;
  /** Name in its own file. */
  readonly originalName: string;
  /** Components whose code or data refers to it; null for the rootlet. */
  readonly usedBy: readonly (string | null)[];
  readonly shared: boolean;
}

/** A map of the result, whose it is and who uses it. */
export interface ReportedMap extends ReportedState {
  readonly map: {
    readonly type: string;
    readonly keySize: number;
    readonly valueSize: number;
    readonly maxEntries: number;
    readonly pinned: boolean;
  };
}

/** What a re-link did: that of a link, with slots, components, state and limits. */
export interface RelinkReport extends LinkReport {
  readonly slots: readonly FilledSlot[];
  readonly components: readonly ReportedComponent[];
  readonly maps: readonly ReportedMap[];
  readonly globals: readonly ReportedState[];
  /** Usage of the kernel's limits by each program of the result. */
  readonly limits: readonly ProgramLimits[];
}

export interface RelinkReportInput {
  readonly inputs: RelinkInputs;
  /** The inputs as they were linked. */
  readonly objects: readonly BpfObject[];
  readonly plugs: readonly Plug[];
  readonly resolution: Resolution;
  readonly bound: readonly ExplicitBinding[];
  readonly license: LicenseChoice;
  /** Before anything was dropped. */
  readonly whole: Combined;
  /** Which symbols of `whole` stayed. */
  readonly live: readonly boolean[];
  readonly combined: Combined;
  readonly renames: readonly Rename[];
  readonly pinned: PinnedMaps;
  /** The result before it was optimized. */
  readonly object: BpfObject;
  readonly finished: Finished;
  readonly notes: readonly string[];
}

export function reportRelink(input: RelinkReportInput): RelinkReport {
  const { objects, resolution, license, combined, renames, pinned, plugs, whole, live, object, finished } =
    input;
  const linked = reportLink({
    objects,
    resolution,
    bound: input.bound,
    combined: withObject(combined, object),
    renames,
    pinned,
    license,
    finished,
  });
  const discarded = [
    ...linked.discarded,
    ...replacedBy(
      objects,
      plugs.map(({ slot, program }) => ({ loser: slot, winner: program })),
      'slot',
    ),
    ...unusedSymbols(objects, whole, live),
  ];
  const states = statesOf(input);
  return {
    ...linked,
    notes: input.notes,
    discarded,
    slots: describeSlots(input),
    components: describeComponents(input),
    maps: states.flatMap(({ state, symbol }) => {
      if (symbol.kind !== 'map') return [];
      const { type, keySize, valueSize, maxEntries, pinning } = parseMapDefinition(object, symbol);
      return [
        { ...state, map: { type: mapTypeName(type), keySize, valueSize, maxEntries, pinned: pinning !== 0 } },
      ];
    }),
    globals: states.flatMap(({ state, symbol }) => (symbol.kind === 'variable' ? [state] : [])),
    limits: measureLimits(finished.object),
  };
}

function describeSlots({
  objects,
  plugs,
  inputs,
  combined,
  object,
  finished,
}: RelinkReportInput): FilledSlot[] {
  const rootlet = objects[0];
  if (rootlet === undefined) return [];
  const filled = new Map(plugs.map(plug => [plug.assignment.slot, plug]));
  return slotsOf(rootlet).map(({ name, index: own }): FilledSlot => {
    const plug = filled.get(name);
    const at: SymbolAt = plug?.program ?? { file: 0, index: own };
    const index = entryAt(combined.indexOf, at);
    const result = object.symbols[index];
    const isFilled = plug !== undefined;
    return {
      slot: name,
      component: isFilled ? elementAt(inputs.components, at.file - 1).component.name : null,
      id: isFilled ? elementAt(inputs.ids, at.file - 1) : null,
      program: isFilled ? symbolAt(objects, at).name : null,
      function: result?.name ?? name,
      inlined: result !== undefined && isGone(finished, index),
    };
  });
}

function describeComponents({ inputs, objects, plugs }: RelinkReportInput): ReportedComponent[] {
  return inputs.components.map(({ component, instance }, position) => {
    const object = objects[position + 1];
    const id = inputs.ids[position] ?? component.name;
    return {
      id,
      file: component.name,
      instance: instance ?? null,
      slots: plugs.filter(plug => plug.program.file === position + 1).map(plug => plug.assignment.slot),
      license: object === undefined ? null : textOfSection(object, 'license'),
      members: inputs.pulled
        .filter(member => member.component === id)
        .map(({ archive, member }) => `${archive}(${member})`),
    };
  });
}

// --- maps and globals ---------------------------------------------------------------------------------------------

interface State {
  readonly state: ReportedState;
  readonly symbol: BpfSymbol;
}

function statesOf(input: RelinkReportInput): State[] {
  const { combined, object, objects, inputs } = input;
  const users = usersOf(input);
  return object.symbols.flatMap((symbol, index): State[] => {
    if ((symbol.kind !== 'map' && symbol.kind !== 'variable') || symbol.name === '') return [];
    const at = elementAt(combined.origins, index);
    const scope = elementAt(inputs.scopes, at.file);
    const usedBy = [...(users.get(index) ?? [])].sort((a, b) => a - b);
    return [
      {
        symbol,
        state: {
          name: symbol.name,
          declaration: describeSymbol(object, symbol),
          section: sectionAt(object, symbol.section).name,
          size: symbol.size,
          owner: ownerOf(inputs, scope),
          originalName: symbolAt(objects, at).name,
          usedBy: usedBy.map(user => ownerOf(inputs, user)),
          shared: usedBy.some(user => user !== scope) || isInSharedScope(input, at),
        },
      },
    ];
  });
}

function ownerOf(inputs: RelinkInputs, scope: number): string | null {
  return inputs.ids[scope - 1] ?? null;
}

/** A name that was to be shared, or a pinned map, that more than one of them has. */
function isInSharedScope({ resolution, inputs, pinned }: RelinkReportInput, at: SymbolAt): boolean {
  const merge = pinned.merges.find(({ winner }) => winner.file === at.file && winner.index === at.index);
  const files = merge === undefined ? [] : [at, ...merge.others].map(({ file }) => inputs.scopes[file]);
  if (new Set(files).size > 1) return true;
  const group = groupAt(resolution, at);
  if (group?.scope !== SHARED_SCOPE) return false;
  const scopes = [group.winner, ...group.losers, ...group.externs].map(({ file }) => inputs.scopes[file]);
  return new Set(scopes).size > 1;
}

/** Symbol of the result → scopes with code or data that refers to it. */
function usersOf({ combined, inputs, object }: RelinkReportInput): Map<number, Set<number>> {
  const users = new Map<number, Set<number>>();
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind === 'extern') return;
    const scope = elementAt(inputs.scopes, elementAt(combined.origins, index).file);
    for (const reference of symbol.references) {
      const known = users.get(reference.symbol);
      if (known === undefined) users.set(reference.symbol, new Set([scope]));
      else known.add(scope);
    }
  });
  return users;
}
