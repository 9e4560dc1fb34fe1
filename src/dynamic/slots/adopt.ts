/**
 * State of a component that leaves, for one of another name that takes its slot.
 *
 * Two firewalls may have maps of the same names by chance, so that a component of another name takes over
 * state only where everything agrees: the same maps with the same definitions and types, and every variable
 * as it was. Settings are not taken over: they were given for another program.
 */

import { prepareLoad } from '../../load/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { globalsKind } from '../../object/index.ts';
import { componentName, type Decision, mapKey, planState, type StateRequest } from '../../state/index.ts';
import type { BuildContext, Design, Generation } from '../generation/index.ts';
import { KCONFIG, type PreparedComponent, prepareComponents, statesOf } from './prepare.ts';

type Situation = Omit<BuildContext, 'adopted' | 'settings'>;

/** Component → component of the running generation whose state it takes over. */
export function adoptions(situation: Situation, design: Design, rootlet: BpfObject): Map<string, string> {
  const { old } = situation;
  const adopted = new Map<string, string>();
  if (old === undefined || design.generated !== undefined) return adopted; // names of the caller are identities
  const before = new Set(old.design.fills.map(({ component }) => component));
  const after = new Set(design.fills.map(({ component }) => component));
  const claimed = new Set<string>();
  for (const component of prepareComponents(design, rootlet)) {
    if (before.has(component.owner) || isNumbered(component)) continue;
    const slots = new Set(component.fills.map(({ slot }) => slot));
    const leaving = old.design.fills.find(
      fill => slots.has(fill.slot) && !after.has(fill.component) && !claimed.has(fill.component),
    )?.component;
    if (leaving === undefined || !agrees(situation, old, component, leaving)) continue;
    adopted.set(component.owner, leaving);
    claimed.add(leaving);
  }
  return adopted;
}

/** One of several of its base name: what leaves is as likely to be another one's. */
function isNumbered({ owner, file }: PreparedComponent): boolean {
  return owner !== componentName(file.name);
}

/** Whether a component has exactly the state of another one, so that nothing would be lost or reset. */
function agrees(
  { sys, options }: Situation,
  old: Generation,
  component: PreparedComponent,
  leaving: string,
): boolean {
  const { plan } = prepareLoad(component.object, sys, { ...options, mapsOnly: true });
  const states = statesOf(component).filter(({ map }) => plan.maps.some(({ name }) => name === map));
  const request: StateRequest = {
    sys,
    plan,
    states,
    previous: ({ name }) => old.previous(mapKey({ owner: leaving, name })),
    unchanged: () => false,
    keepsPrograms: () => false,
    fresh: () => false,
    freshVariable: () => false,
    givenVariable: () => false,
    pinRoot: null,
  };
  const here = new Set(states.map(({ name }) => name).filter(isState));
  const there = new Set(
    [...old.states.values()].flatMap(({ owner, name }) => (owner === leaving && isState(name) ? [name] : [])),
  );
  const same = here.size === there.size && [...here].every(name => there.has(name));
  const pinned = new Set(plan.maps.flatMap(({ name, pinning }) => (pinning === 0 ? [] : [name])));
  const samePins = states.every(({ map, name }) => {
    const before = old.previous(mapKey({ owner: leaving, name }))?.state.pinned === true;
    return before === pinned.has(map);
  });
  const decisions = [...planState(request).values()].filter(({ identity }) => isState(identity.name));
  return same && samePins && decisions.every(({ decision }) => keepsAll(decision));
}

/** Constants are code. */
function isState(name: string): boolean {
  return name !== KCONFIG && globalsKind(name) !== 'rodata';
}

function keepsAll(decision: Decision): boolean {
  return (
    decision.kind === 'reuse' ||
    decision.kind === 'rebuild' ||
    (decision.kind === 'migrate' && decision.lost.length === 0)
  );
}
