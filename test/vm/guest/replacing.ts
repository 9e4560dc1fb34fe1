/** Functions of loaded programs replaced by others, or traced: what several test files do. */

import { RootletError } from '../../../src/diag/problem.ts';
import type { Attachment } from '../../../src/kernel/hooks/attachment.ts';
import { attachReplacement } from '../../../src/kernel/hooks/hooks.ts';
import type { LoadedObject } from '../../../src/load/execute/loaded-object.ts';
import type { AttachTarget } from '../../../src/load/execute/programs.ts';
import { loadObject } from '../../../src/load/load.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { programTypeOf } from '../../../src/object/programs/section-names.ts';
import { sys } from './kernel.ts';

const replacement = programTypeOf('freplace');

/** A program as the replacement of a function of another one, whatever type its section says. */
export function loadFor(target: AttachTarget, object: BpfObject, program: string): LoadedObject {
  return loadObject(object, sys, {
    pinRoot: null,
    programs: name => name === program,
    typeOf: () => replacement,
    targets: new Map([[program, target]]),
  });
}

export function attachTo(target: AttachTarget, component: LoadedObject, program: string): Attachment {
  return attachReplacement(sys, component.program(program).fd.number, target.fd, target.btfId);
}

/** The error that a call throws. Fails when there is none, or another kind. */
export function refusal(body: () => { close(): void } | undefined): RootletError {
  try {
    body()?.close();
  } catch (error) {
    if (error instanceof RootletError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

export function errnoOf(error: RootletError): number | undefined {
  return error.problems[0]?.errno;
}
