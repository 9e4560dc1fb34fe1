/**
 * A program that is on the hook already as the first member of a chain: another tool loaded it, and there is no file
 * of it. The chain calls it by a tail call through an array that holds it: in a function, a tail call returns to the
 * caller of the function, so that the chain gets its verdict.
 */

import { addFrame, bugError, platformError, quote, RootletError } from '../../diag/index.ts';
import { type Generation, ObjectEdit, setSlot } from '../../dynamic/index.ts';
import {
  addressOf,
  assemble,
  BPF_FUNC_TAIL_CALL,
  callHelper,
  EXIT,
  encodeInsns,
  move,
} from '../../isa/index.ts';
import { HOST_ORDER, type Sys } from '../../kernel/index.ts';
import { makeChain } from '../../link/index.ts';
import { type BpfObject, InputObject, symbolOf, writeObject } from '../../object/index.ts';
import { componentName, mapKey, NO_SETTINGS } from '../../state/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY, XDP_DROP, XDP_PASS } from '../../uapi/index.ts';
import { openProgramById } from '../facts/index.ts';
import type { ChainDesign, DesignMember, ProgramFacts } from '../model/index.ts';

/** Map of an adopted member that holds its program. */
const ADOPTED = 'adopted';

/** Runs before every member of another priority. */
const FIRST_PRIORITY = 0;

/** The member that a foreign program becomes. `failClosed`: without its program it drops packets. */
export function adoptedMember(program: ProgramFacts, failClosed: boolean): DesignMember {
  const object = adoptedObject(program.name, failClosed ? XDP_DROP : XDP_PASS);
  return {
    name: componentName(program.name),
    file: new InputObject({ name: object.name, bytes: writeObject(object) }, object),
    program: program.name,
    priority: FIRST_PRIORITY,
    continueOn: [XDP_PASS],
    given: { priority: true, continueOn: false },
    settings: NO_SETTINGS,
    loaded: null,
    adopted: program.id,
  };
}

/** A program that does nothing but the tail call. `without`: its verdict where the array is empty. */
function adoptedObject(name: string, without: number): BpfObject {
  const base = makeChain({ slots: [], section: 'xdp', byteOrder: HOST_ORDER, program: name, license: 'GPL' });
  const edit = new ObjectEdit({ ...base, name: `${name} (adopted)` });
  const map = edit.addMap({
    name: ADOPTED,
    type: BPF_MAP_TYPE_PROG_ARRAY,
    keySize: 4,
    valueSize: 4,
    maxEntries: 1,
  });
  const { insns, references } = assemble([
    addressOf(2, map),
    move(3, 0),
    callHelper(BPF_FUNC_TAIL_CALL),
    move(0, without),
    EXIT,
  ]);
  const program = symbolOf(base, 0);
  if (program.kind !== 'function') throw bugError([name], 'a chain that is not a function');
  edit.replace(0, { ...program, code: encodeInsns(insns, base.byteOrder), references });
  return edit.finish();
}

/** Puts adopted programs into the arrays of a generation that does not run yet. Throws `chain-adopt`. */
export function fillAdopted(sys: Sys, generation: Generation, { members }: ChainDesign): void {
  for (const { name, program, adopted } of members) {
    const array = generation.maps.get(mapKey({ owner: name, name: ADOPTED }));
    if (adopted === null || array === undefined) continue;
    using loaded = openProgramById(sys, adopted);
    if (loaded === undefined) throw adoptionError(program, 'it was unloaded');
    try {
      setSlot(array, 0, loaded);
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      throw addFrame(refused(program, error), `member ${quote(name)}`);
    }
  }
}

function refused(program: string, error: RootletError): RootletError {
  const [cause] = error.problems;
  return adoptionError(program, cause?.message ?? 'the kernel refuses it');
}

function adoptionError(program: string, why: string): RootletError {
  return platformError('chain-adopt', [], `program ${quote(program)} cannot be called by a chain: ${why}`, {
    hint:
      'the kernel calls programs of one type, attach type and fragment support only; ' +
      'load its file as a member, with --force to replace what is attached',
  });
}
