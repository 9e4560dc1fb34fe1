/**
 * Components whose sections specify no program type (`xdp_pass`, `filter`): they are programs of the type of the
 * rootlet that calls them. Separate from the rules of fitting, which compare types that both sides state.
 */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  programsOf,
  programTypeOf,
  sectionNameOf,
  withProgramTypes,
} from '../../object/index.ts';
import type { RelinkInputs } from './inputs.ts';
import { componentKey, namedProgram } from './slots.ts';

/** The inputs with such components in the section of the rootlet, and a note for each. */
export function adoptTypes(inputs: RelinkInputs): RelinkInputs {
  const [rootlet] = inputs.objects;
  const section = rootlet === undefined ? undefined : sectionOfRootlet(rootlet);
  if (section === undefined) return inputs;
  const keys = inputs.components.map(componentKey);
  const objects = [...inputs.objects];
  const notes: string[] = [];
  for (const assignment of inputs.assignments) {
    const file = keys.indexOf(componentKey(assignment)) + 1;
    const object = elementAt(objects, file);
    const chosen = namedProgram(object, assignment.program);
    if (!chosen.ok) continue; // reported when it is plugged
    const note = adoptionIn(section, object, chosen.value.program);
    if (note === undefined) continue;
    objects[file] = withProgramTypes(object, new Map([[chosen.value.program.name, section]]));
    notes.push(note);
  }
  return { ...inputs, objects, notes: [...inputs.notes, ...notes] };
}

/** A note if the section of a program specifies no type, so that it gets that of the rootlet. */
export function adoptionNote(
  rootlet: BpfObject,
  component: BpfObject,
  program: FunctionSymbol,
): string | undefined {
  const section = sectionOfRootlet(rootlet);
  return section === undefined ? undefined : adoptionIn(section, component, program);
}

function adoptionIn(section: string, object: BpfObject, program: FunctionSymbol): string | undefined {
  const own = sectionNameOf(object, program);
  if (programTypeOf(own) !== undefined) return undefined;
  return `${object.name}: program ${quote(program.name)} is linked as ${section}, since its section ${quote(own)} does not specify a type`;
}

/** Without marks that only the programs themselves can state: `?`, and fragments. */
function sectionOfRootlet(rootlet: BpfObject): string | undefined {
  const sections = programsOf(rootlet).map(({ program }) => sectionNameOf(rootlet, program));
  const known = sections.find(section => programTypeOf(section) !== undefined);
  return known?.replace(/^\?/, '').replace('.frags', '');
}
