/**
 * The back end `static`: rootlet and components are linked anew into one program, which then takes the place of the
 * running one on the hook. Works on every kernel that can update the hook, and carries every signature.
 */

import { RootletError } from '../diag/index.ts';
import { relink } from '../link/index.ts';
import { Cleanup } from '../load/index.ts';
import { type BpfObject, readObject } from '../object/index.ts';
import { requireFitting } from './fit/fit.ts';
import { assemble, type BuildContext, loadPart } from './relink-build.ts';
import type { Design } from './relink-design.ts';
import type { Generation } from './relink-generation.ts';
import {
  type Prepared,
  type PreparedComponent,
  prepareComponents,
  prepareRootlet,
  sectionStates,
  statesOf,
} from './relink-prepare.ts';
import { chooseMain } from './relink-program.ts';
import type { StateRecord } from './relink-state.ts';

interface Linked {
  readonly object: BpfObject;
  /** Program on the hook. */
  readonly main: string;
  readonly states: readonly StateRecord[];
}

/** Builds a generation; what is running is left alone. Throws what is wrong with the design, or the kernel's refusal. */
export function buildStatic(context: BuildContext, design: Design): Generation {
  const linked = linkDesign(design, context.main);
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const part = cleanup.own(loadPart(context, design, { ...linked, programs: [linked.main] }));
    return assemble(context, design, cleanup, {
      via: 'static',
      main: linked.main,
      programs: part.loaded.programs,
      host: [part],
      parts: [],
    });
  });
}

// --- one object ---------------------------------------------------------------------------------------------------

function linkDesign(design: Design, main: string): Linked {
  const rootlet = readObject(design.rootlet.bytes, design.rootlet.name);
  const components = prepareComponents(design, rootlet);
  requireFitting(rootlet, components, main, 'static');
  const instead = components.find(({ fills }) => fills.some(({ slot }) => slot === main));
  return instead === undefined ? linkSlots(rootlet, main, components) : linkInstead(main, instead);
}

function linkSlots(rootlet: BpfObject, main: string, components: readonly PreparedComponent[]): Linked {
  const assignments = components.flatMap(({ object, fills }) =>
    fills.map(({ slot, program, instance }) => ({
      slot,
      component: object,
      ...(program === undefined ? {} : { program }),
      ...(instance === undefined ? {} : { instance }),
    })),
  );
  const result = relink(rootlet, assignments, { gcSections: false, name: rootlet.name });
  if (!result.ok) throw new RootletError(result.problems);
  const { object, report } = result;
  const maps = report.maps.map(({ name, owner, originalName }): StateRecord => {
    return { map: name, owner, original: originalName };
  });
  const parts: readonly Prepared[] = [prepareRootlet(rootlet), ...components];
  return { object, main, states: [...maps, ...parts.flatMap(sectionStates)] };
}

/** The component's program takes the place of the rootlet's own: what it does not call is not there. */
function linkInstead(main: string, component: PreparedComponent): Linked {
  const { object, fills } = component;
  const wanted = fills.find(({ slot }) => slot === main)?.program;
  const program = chooseMain(object, wanted);
  return { object, main: program, states: statesOf(component) };
}
