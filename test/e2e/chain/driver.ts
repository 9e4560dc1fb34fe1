/**
 * A process that changes a chain once, for tests that kill it, or run several at the same time. Prints one line of JSON:
 * what became of it.
 */

import { readFileSync } from 'node:fs';
import { changeChain } from '../../../src/chain/chains.ts';
import { findChainHook } from '../../../src/chain/engine/hooks.ts';
import { recoverChains } from '../../../src/chain/engine/recover.ts';
import type { ChainEdit, MemberRequest } from '../../../src/chain/model/edit.ts';
import { RootletError } from '../../../src/diag/problem.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { Store } from '../../../src/store/store.ts';

/** A member by the path of its file. */
export type JobMember = Omit<MemberRequest, 'file' | 'settings'> & { readonly path: string };

export type JobEdit =
  | { readonly kind: 'load' | 'set'; readonly members: readonly JobMember[] }
  | { readonly kind: 'replace'; readonly name: string; readonly member: JobMember }
  | Extract<ChainEdit, { kind: 'unload' | 'order' }>;

export interface Job {
  readonly root: string;
  readonly interface: string;
  readonly edit: JobEdit;
  readonly options?: { readonly adopt?: boolean; readonly force?: boolean };
  /** Milliseconds to wait for the lock. */
  readonly lockTimeout?: number;
  /** Repeats the change this often; default 1. */
  readonly times?: number;
}

export interface JobResult {
  readonly ok: boolean;
  /** Code of the error. */
  readonly code?: string;
  readonly message?: string;
  /** Members afterwards. */
  readonly names?: readonly string[];
  readonly changed?: boolean;
  /** Milliseconds of the change. */
  readonly took?: number;
}

export async function main([text = '{}']: readonly string[]): Promise<void> {
  const job = JSON.parse(text) as Job; // written by a test
  for (let round = 0; round < (job.times ?? 1); round++)
    process.stdout.write(`${JSON.stringify(resultOf(job))}\n`);
}

function resultOf(job: Job): JobResult {
  const begin = performance.now();
  try {
    const sys = openSys();
    const { lockTimeout } = job;
    const more = lockTimeout === undefined ? {} : { lockTimeout };
    const store = Store.open(sys, job.root, { hasHappened: recoverChains, ...more });
    const hook = findChainHook(sys, job.interface, 'xdp');
    const { after, changed } = changeChain(
      { sys, store, time: null },
      hook,
      editOf(job.edit),
      job.options ?? {},
    );
    return {
      ok: true,
      changed,
      names: after.members.map(({ name }) => name),
      took: performance.now() - begin,
    };
  } catch (error) {
    if (error instanceof RootletError) return { ok: false, code: error.code, message: error.message };
    throw error;
  }
}

function editOf(edit: JobEdit): ChainEdit {
  switch (edit.kind) {
    case 'load':
    case 'set':
      return { kind: edit.kind, members: edit.members.map(memberOf) };
    case 'replace':
      return { ...edit, member: memberOf(edit.member) };
    default:
      return edit;
  }
}

function memberOf({ path, ...others }: JobMember): MemberRequest {
  return { ...others, file: InputObject.from({ name: path, bytes: readFileSync(path) }) };
}
