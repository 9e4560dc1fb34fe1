/** What a file has for a hook: its program, and the priority and verdicts that its run configuration states. */

import { RootletError } from '../../diag/index.ts';
import { programForHook, typesForHook } from '../../hooks/index.ts';
import { memberVerdicts } from '../../link/index.ts';
import {
  type BpfObject,
  DEFAULT_PRIORITY,
  InputObject,
  programsOf,
  retypedInput,
  runConfigOf,
} from '../../object/index.ts';
import type { ChainHook, Describe, MemberRequest } from '../model/index.ts';
import { hookRequestOf } from './hooks.ts';

/** The file with types for programs whose sections specify none: those of the hook. */
export function inputFor(
  hook: ChainHook,
  { file, program }: Pick<MemberRequest, 'file' | 'program'>,
): InputObject {
  const input = InputObject.from(file);
  const types = typesForHook(input.object, hookRequestOf(hook), program);
  return types.size === 0 ? input : retypedInput(input, types);
}

/** Throws `attach-program`, `chain-verdict`. */
export function describerFor(hook: ChainHook): Describe {
  return request => {
    const { object } = inputFor(hook, request);
    const program = programForHook(object, hookRequestOf(hook), request.program);
    const continueOn = memberVerdicts(object, program, request.continueOn);
    if (!continueOn.ok) throw new RootletError(continueOn.problems);
    return { program, priority: ownPriority(object, program), continueOn: continueOn.value };
  };
}

function ownPriority(object: BpfObject, name: string): number {
  const found = programsOf(object).find(({ program }) => program.name === name);
  const config = found === undefined ? undefined : runConfigOf(object, found.program);
  return config?.priority ?? DEFAULT_PRIORITY;
}
