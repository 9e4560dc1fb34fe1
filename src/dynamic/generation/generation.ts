/** One build of a rootlet with its components, in the kernel. Generations are switched, never edited. */

import { bugError } from '../../diag/index.ts';
import { type Attachment, type BpfMap, BpfProgram } from '../../kernel/index.ts';
import type { InlineScope } from '../../link/index.ts';
import type { LoadedObject, OptimizeSetting } from '../../load/index.ts';
import type {
  DroppedMap,
  MapDecision,
  PreviousMap,
  SettingsByOwner,
  StateTransfer,
  StoredState,
} from '../../state/index.ts';
import type { Design } from './design.ts';

/** The ways in which components get into slots. */
export const SLOT_BACK_ENDS = ['ext', 'static', 'tail'] as const;

/** How components get into slots. */
export type SlotBackEnd = (typeof SLOT_BACK_ENDS)[number];

export interface GenerationParts {
  readonly via: SlotBackEnd;
  readonly design: Design;
  /** The rootlet's own program. */
  readonly entry: string;
  /** Name in `programs` of the one on the hook: the same, unless a component fills it. */
  readonly main: string;
  /** `NAME` for the rootlet's, `COMPONENT:NAME` for programs of components. */
  readonly programs: ReadonlyMap<string, BpfProgram>;
  /** By `mapKey`. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** What is remembered of the maps that are state, by `mapKey`. */
  readonly states: ReadonlyMap<string, StoredState>;
  /** Values that were given, by component; '' for the rootlet. */
  readonly settings: SettingsByOwner;
  /** Attachments of components to slots; none for static re-linking. */
  readonly links: ReadonlyMap<string, Attachment>;
  /** How each map that was loaded for this generation began. */
  readonly decisions?: readonly MapDecision[];
  /** Maps of the generation before that this one does not have. */
  readonly dropped?: readonly DroppedMap[];
  /** Copies values of the running generation into this one; undefined where there is nothing to copy. */
  readonly transfer?: StateTransfer | undefined;
  /** Writes values that were given for variables in maps that go over. Called after the switch. */
  readonly setGiven?: () => void;
  /** The object with the main program, where this process loaded it; it goes with the generation. */
  readonly host?: LoadedObject | undefined;
  /** Components that this process loaded. */
  readonly loaded?: readonly LoadedObject[];
  /** How its code is optimized, where that was given. */
  readonly optimize?: OptimizeSetting | undefined;
  /** The step of the optimizer that the program on the hook is at; absent: `none`. */
  readonly optimized?: InlineScope | undefined;
}

/** Owns its programs, maps and links: closing it releases them. */
export class Generation implements GenerationParts {
  readonly via: SlotBackEnd;
  readonly design: Design;
  readonly entry: string;
  readonly main: string;
  readonly programs: ReadonlyMap<string, BpfProgram>;
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly states: ReadonlyMap<string, StoredState>;
  readonly settings: SettingsByOwner;
  readonly links: ReadonlyMap<string, Attachment>;
  readonly decisions: readonly MapDecision[];
  readonly dropped: readonly DroppedMap[];
  readonly transfer: StateTransfer | undefined;
  readonly setGiven: () => void;
  readonly host: LoadedObject | undefined;
  readonly loaded: readonly LoadedObject[];
  readonly optimize: OptimizeSetting | undefined;
  readonly optimized: InlineScope | undefined;

  constructor(parts: GenerationParts) {
    this.via = parts.via;
    this.design = parts.design;
    this.entry = parts.entry;
    this.main = parts.main;
    this.programs = parts.programs;
    this.maps = parts.maps;
    this.states = parts.states;
    this.settings = parts.settings;
    this.links = parts.links;
    this.decisions = parts.decisions ?? [];
    this.dropped = parts.dropped ?? [];
    this.transfer = parts.transfer;
    this.setGiven = parts.setGiven ?? (() => {});
    this.host = parts.host;
    this.loaded = parts.loaded ?? [];
    this.optimize = parts.optimize;
    this.optimized = parts.optimized;
  }

  /** The program on the hook. */
  get program(): BpfProgram {
    const program = this.programs.get(this.main);
    if (program === undefined) throw bugError([], 'a generation without its program');
    return program;
  }

  /** A map of state by its key. */
  previous(key: string): PreviousMap | undefined {
    const state = this.states.get(key);
    const map = this.maps.get(key);
    return state === undefined || map === undefined ? undefined : { state, map };
  }

  close(): void {
    for (const link of this.links.values()) link.close();
    for (const program of this.programs.values()) program.close();
    for (const map of this.maps.values()) map.close();
    for (const object of this.loaded) object.close();
    this.host?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Another descriptor of the same program, owned by the caller. */
export function duplicateProgram(program: BpfProgram): BpfProgram {
  return new BpfProgram(program.sys, program.fd.duplicate(), program.name, program.type);
}
