/**
 * Components as programs of their own, for the back ends that do not link: each is loaded once, whatever number of slots
 * it fills, and stays loaded as long as it is part of the rootlet.
 */

import type { BpfProgram } from '../kernel/program.ts';
import type { AttachTarget } from '../load/execute-programs.ts';
import type { Cleanup } from '../load/index.ts';
import type { ProgramTypeInfo } from '../object/index.ts';
import { type BuildContext, type LoadedPart, loadPart, unchangedOwner } from './relink-build.ts';
import type { Design, SlotFill } from './relink-design.ts';
import { duplicateProgram, type RelinkVia } from './relink-generation.ts';
import type { PreparedComponent } from './relink-prepare.ts';
import { statesOf } from './relink-prepare.ts';
import { chooseMain } from './relink-program.ts';

export interface LoadedComponents {
  /** By `programKey`. */
  readonly programs: ReadonlyMap<string, BpfProgram>;
  readonly parts: readonly LoadedPart[];
}

/** Name in a generation of the program that fills a slot. */
export function programKey(component: PreparedComponent, fill: SlotFill): string {
  return `${component.owner}:${chooseMain(component.object, fill.program)}`;
}

export interface ComponentKind {
  readonly via: RelinkVia;
  readonly type: ProgramTypeInfo;
  /** What the program of a fill replaces when it is loaded; nothing for tail calls. */
  readonly target?: (fill: SlotFill) => AttachTarget;
}

/** Loads what is not there yet; everything is registered with `cleanup`. */
export function loadComponents(
  context: BuildContext,
  design: Design,
  components: readonly PreparedComponent[],
  kind: ComponentKind,
  cleanup: Cleanup,
): LoadedComponents {
  const programs = new Map<string, BpfProgram>();
  const parts: LoadedPart[] = [];
  for (const component of components) {
    const known = takeOver(context, design, component, kind.via);
    if (known !== undefined) {
      for (const [key, program] of known) programs.set(key, cleanup.own(duplicateProgram(program)));
      continue;
    }
    const part = cleanup.own(loadComponent(context, design, component, kind));
    parts.push(part);
    for (const [name, program] of part.loaded.programs) programs.set(`${component.owner}:${name}`, program);
  }
  return { programs, parts };
}

/** Programs of an unchanged component in the running generation; its maps go over by themselves. */
function takeOver(
  context: BuildContext,
  design: Design,
  component: PreparedComponent,
  via: RelinkVia,
): ReadonlyMap<string, BpfProgram> | undefined {
  const { old, fresh, options } = context;
  const { owner, fills } = component;
  if (old?.via !== via || fresh(owner) || options.globals !== undefined) return undefined;
  if (!unchangedOwner(old.design, design, owner)) return undefined;
  const found = new Map<string, BpfProgram>();
  for (const fill of fills) {
    const key = programKey(component, fill);
    const program = old.programs.get(key);
    if (program === undefined) return undefined;
    found.set(key, program);
  }
  return found;
}

function loadComponent(
  context: BuildContext,
  design: Design,
  component: PreparedComponent,
  { type, target }: ComponentKind,
): LoadedPart {
  const { object, fills } = component;
  const names = fills.map(fill => chooseMain(object, fill.program));
  const targets = new Map<string, AttachTarget>();
  fills.forEach((fill, at) => {
    const found = target?.(fill);
    if (found !== undefined) targets.set(names[at] ?? '', found);
  });
  return loadPart(context, design, {
    object,
    programs: names,
    states: statesOf(component),
    partial: true,
    type,
    ...(target === undefined ? {} : { targets }),
  });
}
