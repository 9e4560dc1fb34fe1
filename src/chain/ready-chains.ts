/**
 * Declared chains with what they name: the hooks of interfaces, and the files of members, which the caller reads.
 * Separate from reading documents, which needs neither a kernel nor files.
 */

import { given, type InputFile } from '../bytes/index.ts';
import { addFrame, type Limits, type Problem, problem, RootletError } from '../diag/index.ts';
import type { Sys } from '../kernel/index.ts';
import { InputObject } from '../object/index.ts';
import { type ReadyChain, titleOf } from './apply-declared.ts';
import type { DeclaredChain, DeclaredMember } from './declared/index.ts';
import { findChainHook } from './engine/index.ts';
import type { ChainHook, MemberRequest } from './model/index.ts';

/** The object file of a member; `path` of it is kept in records. */
export type ReadMember = (member: DeclaredMember) => InputFile & { readonly path?: string };

/** Object files and hooks of all chains. Throws the problems of all of them, with the places in the documents. */
export function readyChains(
  sys: Sys,
  chains: readonly DeclaredChain[],
  read: ReadMember,
  limits: Limits | undefined,
): ReadyChain[] {
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
    const hook = attempt(declared.where, () => declaredHook(sys, declared));
    const members = declared.members
      .map(member => attempt(member.where, () => requestOf(member, files, read, limits)))
      .filter(one => one !== undefined);
    return hook === undefined ? [] : [{ declared, hook, members }];
  });
  problems.push(...sameHooks(ready));
  if (problems.length > 0) throw new RootletError(problems);
  return ready;
}

function within(error: RootletError, where: readonly string[]): RootletError {
  return where.toReversed().reduce(addFrame, error);
}

/** Throws `kernel-no-interface`. */
export function declaredHook(
  sys: Sys,
  { interface: name, kind, direction }: Pick<DeclaredChain, 'interface' | 'kind' | 'direction'>,
): ChainHook {
  return findChainHook(sys, name, kind, direction);
}

/** Each file is read and parsed once. */
function requestOf(
  member: DeclaredMember,
  files: Map<string, InputObject>,
  read: ReadMember,
  limits: Limits | undefined,
): MemberRequest {
  const { name, path, program, priority, continueOn, settings } = member;
  const file = files.get(path) ?? new InputObject(read(member), undefined, limits);
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
