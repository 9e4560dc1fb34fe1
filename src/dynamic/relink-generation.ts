/** One build of a rootlet with its components, in the kernel. Generations are swapped, never edited. */

import { bugError } from '../diag/index.ts';
import type { Attachment } from '../kernel/attachment.ts';
import { BpfMap } from '../kernel/map.ts';
import { BpfProgram } from '../kernel/program.ts';
import type { LoadedObject } from '../load/index.ts';
import type { Design } from './relink-design.ts';
import type { Inheritance, OldState, StateRecord } from './relink-state.ts';

/** How components get into slots. */
export type RelinkVia = 'static' | 'tail' | 'ext';

export interface GenerationParts {
  readonly via: RelinkVia;
  readonly design: Design;
  /** Name in `programs` of the one on the hook. */
  readonly main: string;
  readonly programs: ReadonlyMap<string, BpfProgram>;
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** What of `maps` is state, and whose. */
  readonly states: readonly StateRecord[];
  /** Attachments of components to slots; none for static re-linking. */
  readonly links: ReadonlyMap<string, Attachment>;
  /** What became of the maps of the generation before; empty for the first. */
  readonly inherited: ReadonlyMap<string, Inheritance>;
  /** The object with the main program, where this process loaded it; it goes with the generation. */
  readonly host?: LoadedObject | undefined;
  /** Components that this process loaded. */
  readonly loaded?: readonly LoadedObject[];
}

/** Owns its programs, maps and links: closing it lets them go. */
export class Generation implements GenerationParts {
  readonly via: RelinkVia;
  readonly design: Design;
  readonly main: string;
  readonly programs: ReadonlyMap<string, BpfProgram>;
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly states: readonly StateRecord[];
  readonly links: ReadonlyMap<string, Attachment>;
  readonly inherited: ReadonlyMap<string, Inheritance>;
  readonly host: LoadedObject | undefined;
  readonly loaded: readonly LoadedObject[];

  constructor(parts: GenerationParts) {
    this.via = parts.via;
    this.design = parts.design;
    this.main = parts.main;
    this.programs = parts.programs;
    this.maps = parts.maps;
    this.states = parts.states;
    this.links = parts.links;
    this.inherited = parts.inherited;
    this.host = parts.host;
    this.loaded = parts.loaded ?? [];
  }

  /** The program on the hook. */
  get program(): BpfProgram {
    const program = this.programs.get(this.main);
    if (program === undefined) throw bugError([], 'a generation without its program');
    return program;
  }

  oldStates(): OldState[] {
    return this.states.flatMap(record => {
      const map = this.maps.get(record.map);
      return map === undefined ? [] : [{ record, map }];
    });
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

/** Another descriptor of the same map, owned by the caller. */
export function duplicateMap(map: BpfMap): BpfMap {
  return BpfMap.adopt(map.sys, map.fd.duplicate());
}
