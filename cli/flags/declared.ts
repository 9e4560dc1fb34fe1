/** `-f FILE`: documents that declare chains, with the object files and hooks that they name. */

import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { given } from '../../src/bytes/index.ts';
import {
  type ChainContext,
  type ChainHook,
  type DeclaredChain,
  type DeclaredMember,
  findChainHook,
  type MemberRequest,
  type ReadyChain,
  readDeclared,
  titleOf,
  undeclaredChains,
} from '../../src/chain/index.ts';
import {
  addFrame,
  type Limits,
  type Problem,
  problem,
  RootletError,
  usageError,
} from '../../src/diag/index.ts';
import type { Sys } from '../../src/kernel/index.ts';
import { InputObject } from '../../src/object/index.ts';
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
  const ready = findDeclared(context.sys, declared, limits);
  return flags.prune ? [...ready, ...undeclaredChains(context, ready)] : ready;
}

/** Object files and hooks of all chains. Throws the problems of all of them. */
function findDeclared(sys: Sys, chains: readonly DeclaredChain[], limits: Limits | undefined): ReadyChain[] {
  const problems: Problem[] = [];
  const files = new Map<string, InputObject>();
  const attempt = <T>(where: readonly string[], body: () => T): T | undefined => {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(...within(error, where).problems);
      return undefined;
    }
  };
  const ready = chains.flatMap(declared => {
    const hook = attempt(declared.where, () => hookOf(sys, declared));
    const members = declared.members.flatMap(
      member => attempt(member.where, () => requestOf(member, files, limits)) ?? [],
    );
    return hook === undefined ? [] : [{ declared, hook, members }];
  });
  problems.push(...sameHooks(ready));
  if (problems.length > 0) throw new RootletError(problems);
  return ready;
}

function within(error: RootletError, where: readonly string[]): RootletError {
  return where.toReversed().reduce(addFrame, error);
}

function hookOf(sys: Sys, { interface: name, kind, direction }: DeclaredChain): ChainHook {
  return findChainHook(sys, name, kind, direction);
}

/** Each file is read and parsed once. */
function requestOf(
  member: DeclaredMember,
  files: Map<string, InputObject>,
  limits: Limits | undefined,
): MemberRequest {
  const { name, path, program, priority, continueOn, settings } = member;
  const file =
    files.get(path) ?? new InputObject({ ...readNamed(path), path: resolve(path) }, undefined, limits);
  files.set(path, file);
  return { name, file, ...given({ program, priority, continueOn }), settings };
}

/** Two names of one interface. */
function sameHooks(ready: readonly ReadyChain[]): Problem[] {
  const first = new Map<string, ReadyChain>();
  return ready.flatMap(one => {
    const key = `${one.hook.kind} ${one.hook.direction} ${one.hook.ifindex}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, one);
    if (other?.declared == null || one.declared === null) return [];
    const details = [`the first one is at ${other.declared.where.join(': ')}`];
    const message = `a second document of "${titleOf(one.hook)}"`;
    return [problem('chain-document-duplicate', one.declared.where, message, { details })];
  });
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
    hookOf(sys, chain);
    return true;
  } catch (error) {
    if (error instanceof RootletError && error.code === 'kernel-no-interface') return false;
    throw error;
  }
}
