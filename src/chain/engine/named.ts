/** Notes and problems about the program that is generated for a chain: it has no file, so they name the hook. */

import { RootletError } from '../../diag/index.ts';
import type { ChainHook } from '../model/index.ts';
import { spellHook } from './hooks.ts';

/** Runs `body`, which links and loads a chain. `generated`: what the rootlet of the chain is called there. */
export function namingHook<T extends { readonly notes: readonly string[] }>(
  hook: ChainHook,
  generated: string,
  body: () => T,
): T {
  const named = (text: string): string => text.replaceAll(generated, spellHook(hook));
  try {
    const made = body();
    return { ...made, notes: made.notes.map(named) };
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const problems = error.problems.map(({ where, message, ...rest }) => ({
      ...rest,
      where: where.map(named),
      message: named(message),
    }));
    throw new RootletError(problems, { cause: error.cause ?? error });
  }
}
