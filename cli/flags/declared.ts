/** `-f FILE`: documents that declare chains, with the object files and hooks that they name. */

import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  type ChainContext,
  type DeclaredChain,
  type DeclaredMember,
  declaredHook,
  type ReadyChain,
  readDeclared,
  readyChains,
  undeclaredChains,
} from '../../src/chain/index.ts';
import { type Limits, RootletError, usageError } from '../../src/diag/index.ts';
import type { Sys } from '../../src/kernel/index.ts';
import { readInputs, readNamed } from '../io/files.ts';
import { off, text } from './kinds.ts';
import type { LimitFlags } from './limits.ts';
import { STORE_FLAGS, type StoreFlags } from './loading.ts';

export interface DeclaredFlags extends StoreFlags, LimitFlags {
  readonly file?: readonly string[];
  readonly force: boolean;
  readonly prune: boolean;
  readonly json: boolean;
}

export const DECLARED_FLAGS = {
  file: {
    ...text,
    variadic: true,
    brief: 'Read the documents in FILE (- for stdin); may be repeated',
    placeholder: 'FILE',
  },
  force: { ...off, brief: 'Replace a program on a hook that is not a chain' },
  prune: { ...off, brief: 'Remove chains on hooks that no document names' },
  ...STORE_FLAGS,
  json: { ...off, brief: 'Output JSON' },
} as const;

/** The chains that the files declare. Throws `usage-no-input` without files. */
export function readDocuments(
  { file: paths = [] }: Pick<DeclaredFlags, 'file'>,
  limits: Limits | undefined,
): readonly DeclaredChain[] {
  if (paths.length === 0)
    throw usageError('usage-no-input', 'no file with documents: -f FILE', {
      hint: 'docs/declared.md describes the format; "rootlet export" prints what runs',
    });
  return readDeclared(readInputs([...new Set(paths)]), limits);
}

/** What the documents declare, with the chains to be removed. Throws the problems of all documents. */
export function findWanted(
  context: ChainContext,
  flags: Pick<DeclaredFlags, 'prune'>,
  declared: readonly DeclaredChain[],
  limits: Limits | undefined,
): ReadyChain[] {
  const read = ({ path }: DeclaredMember) => ({ ...readNamed(path), path: resolve(path) });
  const ready = readyChains(context.sys, declared, read, limits);
  return flags.prune ? [...ready, ...undeclaredChains(context, ready)] : ready;
}

const POLL_MS = 200;

/** Waits until all interfaces exist, or the time is over: what is missing then is reported as usual. */
export async function waitForInterfaces(
  sys: Sys,
  chains: readonly DeclaredChain[],
  seconds: number,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (chains.some(chain => !exists(sys, chain)) && performance.now() < end) await setTimeout(POLL_MS);
}

function exists(sys: Sys, chain: DeclaredChain): boolean {
  try {
    declaredHook(sys, chain);
    return true;
  } catch (error) {
    if (error instanceof RootletError && error.code === 'kernel-no-interface') return false;
    throw error;
  }
}
