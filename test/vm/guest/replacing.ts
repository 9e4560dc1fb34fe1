/** Functions of loaded programs replaced by others, or traced: what several test files do. */

import { RootletError } from '../../../src/diag/index.ts';
import { type Attachment, attachReplacement } from '../../../src/kernel/index.ts';
import { type AttachTarget, type LoadedObject, loadObject } from '../../../src/load/index.ts';
import { type BpfObject, programTypeOf } from '../../../src/object/index.ts';
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
