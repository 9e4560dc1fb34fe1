/**
 * The back end `ext`: components replace slots of a second instance of the rootlet (freplace), which then
 * replaces the running one on the hook. Each component is loaded and verified once, and attached to every
 * generation.
 */

import { given } from '../../bytes/index.ts';
import { available, bugError, platformError, quote, RootletError, usageError } from '../../diag/index.ts';
import { type Attachment, BpfProgram, openById, type Sys } from '../../kernel/index.ts';
import { slotsOf } from '../../link/index.ts';
import { type AttachTarget, Cleanup, readProgramTypes } from '../../load/index.ts';
import { type BpfObject, symbolOf } from '../../object/index.ts';
import { effectsOf, packetMarker, signatureOf } from '../bind/index.ts';
import { describedParts, requireFitting } from '../fit/index.ts';
import {
  type BuildContext,
  type Design,
  type Generation,
  type Guest,
  guestKey,
  guestsOf,
  programNameOf,
  type SlotFill,
} from '../generation/index.ts';
import { attachToStub, REPLACEMENT_TYPE } from '../providers/index.ts';
import { ObjectEdit } from '../stubs/index.ts';
import { assemble, type PlannedGeneration } from './build.ts';
import { planComponents, programKey } from './components.ts';
import { putMarkedSlot } from './marked.ts';
import { loadPart, planPart } from './part.ts';
import { type PreparedComponent, prepareComponents, prepareRootlet, statesOf } from './prepare.ts';

/** Where components replace functions; known when the new instance of the rootlet is loaded. */
interface LateTargets {
  of: ((slot: string) => AttachTarget) | undefined;
}

function planParts(context: BuildContext, design: Design) {
  const { main } = context;
  const { object: rootlet } = design.rootlet;
  const components = describedParts(rootlet, prepareComponents(design, rootlet), main);
  requireFitting(rootlet, components, main, 'ext');
  const object = markSlots(rootlet, components, main);
  const own = { ...prepareRootlet(rootlet, design.rootlet), object };
  const host = planPart(context, design, {
    object,
    programs: [main],
    states: statesOf(own),
    members: [own],
    keyOf: name => name,
  });
  const late: LateTargets = { of: undefined };
  const target = ({ slot }: SlotFill): AttachTarget => {
    if (late.of === undefined) throw bugError([rootlet.name], 'components are loaded before the rootlet');
    return late.of(slot);
  };
  const kind = { via: 'ext', type: REPLACEMENT_TYPE, rootlet, target } as const;
  return { host, late, components, ...planComponents(context, design, components, kind) };
}

export function plannedExt(context: BuildContext, design: Design): PlannedGeneration {
  const { host, parts, taken } = planParts(context, design);
  return { parts: [host, ...parts], taken };
}

export function buildExt(context: BuildContext, design: Design): Generation {
  const planned = planParts(context, design);
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const { main } = context;
    const host = cleanup.own(loadPart(context, planned.host, 'slots whose functions the kernel replaces'));
    const targets = new SlotTargets(host.loaded.program(main), main);
    planned.late.of = slot => targets.of(slot);
    const parts = planned.parts.map(part => cleanup.own(loadPart(context, part)));
    const programs = new Map(planned.taken);
    for (const { loaded, request } of parts)
      for (const [name, program] of loaded.programs) programs.set(request.keyOf(name), program);
    const links = new Map<string, Attachment>();
    const guests = openGuests(context.sys, design, cleanup);
    for (const [guest, program] of guests) {
      programs.set(guestKey(guest), program);
      const link = cleanup.own(attachGuest(context.sys, guest, program, targets.of(guest.slot)));
      links.set(`slot:${guest.slot}`, link);
    }
    for (const component of planned.components) {
      for (const fill of component.fills) {
        const replacement = programs.get(programKey(component, fill));
        if (replacement === undefined) continue;
        const link = cleanup.own(attachToStub(context.sys, replacement, targets.of(fill.slot)));
        links.set(`slot:${fill.slot}`, link);
      }
    }
    const taken = new Map([
      ...planned.taken,
      ...guests.map(([guest, one]) => [guestKey(guest), one] as const),
    ]);
    const generation = assemble(context, design, cleanup, { via: 'ext', main, host, parts, taken, links });
    for (const [, program] of guests) program.close(); // the generation has descriptors of its own
    return generation;
  });
}

/** Programs of other tools that the design keeps. Throws `hook-changed` when one is gone. */
function openGuests(
  sys: Sys,
  { generated }: Design,
  cleanup: Cleanup,
): readonly (readonly [Guest, BpfProgram])[] {
  return guestsOf(generated).map(guest => {
    const fd = openById(sys, 'program', guest.programId);
    if (fd !== undefined) return [guest, cleanup.own(BpfProgram.adopt(sys, fd))];
    throw platformError(
      'hook-changed',
      [`program ${quote(guest.program)}`],
      `program ${guest.programId} is gone, which another tool loaded for slot ${quote(guest.slot)}`,
      { hint: 'try again: the other tool may have changed it meanwhile' },
    );
  });
}

/** Since Linux 5.10 a replacement can go to another target, if that has the same type and attach type. */
function attachGuest(sys: Sys, guest: Guest, program: BpfProgram, target: AttachTarget): Attachment {
  try {
    return attachToStub(sys, program, target);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const [cause] = error.problems;
    throw platformError(
      'relink-guest',
      [`program ${quote(guest.program)}`],
      `program ${guest.programId}, which another tool loaded, cannot be moved to this rootlet: ${cause?.message}`,
      {
        ...given({ errno: cause?.errno }),
        hint: 'remove it with that tool, and load it again from its file',
      },
    );
  }
}

/** Functions of the loaded program, from what the kernel reports is in it. */
class SlotTargets {
  readonly #program: BpfProgram;
  readonly #main: string;
  readonly #functions: ReturnType<typeof readProgramTypes>['functions'];

  constructor(program: BpfProgram, main: string) {
    this.#program = program;
    this.#main = main;
    this.#functions = readProgramTypes(program).functions;
  }

  /** Throws `relink-slot-gone` when the verifier found the slot unreachable. */
  of(slot: string): AttachTarget {
    return { fd: this.#program.fd.number, btfId: slotFunction(this.#functions, this.#main, slot).btfId };
  }
}

/** The function of a slot among those of a loaded program, the first of which is `main`. */
export function slotFunction<F extends { readonly name: string }>(
  functions: readonly F[],
  main: string,
  slot: string,
): F {
  const found = slot === main ? functions[0] : functions.find(({ name }) => name === slot);
  if (found !== undefined) return found;
  const names = functions.map(({ name }) => name);
  throw usageError(
    'relink-slot-gone',
    `the verifier removed slot ${quote(slot)} from ${quote(main)}, which never calls it`,
    { hint: available('it has', names) },
  );
}

/** The rootlet with slots that say they may change packets, where what fills them does. */
function markSlots(rootlet: BpfObject, components: readonly PreparedComponent[], main: string): BpfObject {
  const { btf } = rootlet;
  const marked = components.flatMap(({ object, fills }) =>
    fills.filter(({ slot, program }) => {
      const name = programNameOf(object, program);
      const index = object.symbols.findIndex(symbol => symbol.kind === 'function' && symbol.name === name);
      return slot !== main && effectsOf(object, index).changesPacket !== null;
    }),
  );
  if (btf === null || marked.length === 0) return rootlet;
  const edit = new ObjectEdit(rootlet);
  for (const { slot } of marked) {
    const found = slotsOf(rootlet).find(({ name }) => name === slot);
    if (found === undefined) continue;
    const { index } = found;
    const symbol = symbolOf(rootlet, index);
    if (symbol.kind !== 'function' || effectsOf(rootlet, index).changesPacket !== null) continue;
    const marker = packetMarker(signatureOf(btf, symbol.btfId).context);
    if (marker !== undefined) putMarkedSlot(edit, index, symbol, marker);
  }
  return edit.finish();
}
