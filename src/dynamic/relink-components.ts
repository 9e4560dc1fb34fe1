/**
 * Components as programs of their own, for the back ends that do not link: each is loaded once, whatever number of slots
 * it fills, and stays loaded as long as it is part of the rootlet.
 */

import { compareTypes, formatFunc } from '../btf/index.ts';
import { inputError, quote, RootletError } from '../diag/index.ts';
import type { BpfProgram } from '../kernel/program.ts';
import { plugComponents } from '../link/index.ts';
import type { AttachTarget } from '../load/execute-programs.ts';
import type { Cleanup } from '../load/index.ts';
import type { BpfObject, FunctionSymbol, ProgramTypeInfo } from '../object/index.ts';
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

// --- does it fit --------------------------------------------------------------------------------------------------

/** Throws what relink would say of components that do not fit into slots, and what only matters when code meets in the kernel. */
export function requireFitting(
  rootlet: BpfObject,
  components: readonly PreparedComponent[],
  main: string,
): void {
  const assignments = components.map(({ object, fills }) =>
    fills
      .filter(({ slot }) => slot !== main)
      .map(({ slot, program, instance }) => ({
        slot,
        component: object,
        ...(program === undefined ? {} : { program }),
        ...(instance === undefined ? {} : { instance }),
      })),
  );
  const objects = components.map(({ object }) => object);
  const distinct = components.flatMap(({ object, fills: [first] }) =>
    first === undefined
      ? []
      : [
          {
            slot: first.slot,
            component: object,
            ...(first.instance === undefined ? {} : { instance: first.instance }),
          },
        ],
  );
  const { plugs, problems } = plugComponents([rootlet, ...objects], assignments.flat(), distinct);
  if (problems.length > 0) throw new RootletError(problems);
  for (const { slot, program } of plugs) {
    const [left, right] = [rootlet.symbols[slot.index], objects[program.file - 1]?.symbols[program.index]];
    const object = objects[program.file - 1];
    if (left?.kind === 'function' && right?.kind === 'function' && object !== undefined)
      requireStrictly(rootlet, left, object, right);
  }
}

/** The kernel compares neither layouts of structs nor signedness; here all of it is. */
export function requireStrictly(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  object: BpfObject,
  program: FunctionSymbol,
): void {
  if (rootlet.btf === null || object.btf === null || slot.btfId === 0 || program.btfId === 0) return;
  const [left, right] = [rootlet.btf.type(slot.btfId), object.btf.type(program.btfId)];
  if (left.kind !== 'func' || right.kind !== 'func') return;
  const mismatch = compareTypes(rootlet.btf, left.type, object.btf, right.type, { strict: true });
  if (mismatch === null) return;
  throw inputError(
    'relink-prototype',
    [object.name],
    `program ${quote(program.name)} does not fit slot ${quote(slot.name)}${mismatch.path === '' ? '' : `: ${mismatch.path}`}: ${mismatch.left} and ${mismatch.right}`,
    {
      details: [
        `slot:    ${formatFunc(rootlet.btf, slot.btfId)}  (${rootlet.name})`,
        `program: ${formatFunc(object.btf, program.btfId)}  (${object.name})`,
      ],
    },
  );
}
