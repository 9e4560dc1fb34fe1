/**
 * A chain on an interface for the benchmarks: a network namespace with a wire, a bpf file system, and the members that
 * are to run.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeChain } from '../src/chain/chains.ts';
import type { ChainContext } from '../src/chain/engine/context.ts';
import { findChainHook } from '../src/chain/engine/hooks.ts';
import type { ChainEdit, MemberRequest } from '../src/chain/model/edit.ts';
import { readInterface, setXdp } from '../src/kernel/hooks/interface.ts';
import { openById } from '../src/kernel/objects/info.ts';
import { BpfProgram } from '../src/kernel/objects/program.ts';
import { inNetns } from '../src/kernel/sys/netns.ts';
import type { Sys } from '../src/kernel/sys/sys.ts';
import { loadObject } from '../src/load/load.ts';
import { mountBpffs } from '../src/load/testing.ts';
import type { BpfObject } from '../src/object/model/model.ts';
import { InputObject } from '../src/object/read/input.ts';
import { Store } from '../src/store/store.ts';
import { ROOT } from './support.ts';

export class ChainHookLab {
  readonly netns = `rootlet-bench-${process.pid}`;
  readonly #sys: Sys;
  readonly #bpffs = mountBpffs();

  constructor(sys: Sys) {
    this.#sys = sys;
    const ip = (...words: readonly string[]) => execFileSync('ip', words);
    ip('netns', 'add', this.netns);
    ip('-n', this.netns, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
    for (const end of ['va', 'vb']) ip('-n', this.netns, 'link', 'set', end, 'arp', 'off', 'up');
  }

  close(): void {
    execFileSync('ip', ['netns', 'del', this.netns]);
    this.#bpffs.close();
  }

  inside<T>(body: () => T): T {
    return inNetns(this.#sys, `/run/netns/${this.netns}`, body);
  }

  /** Milliseconds that a change takes in this process. */
  change(edit: ChainEdit): number {
    return this.inside(() => {
      const begin = performance.now();
      const store = Store.open(this.#sys, this.#root);
      const context: ChainContext = { sys: this.#sys, store, time: null };
      changeChain(context, findChainHook(this.#sys, 'va', 'xdp'), edit, { counters: false });
      return performance.now() - begin;
    });
  }

  /** Milliseconds of a whole process of the command. */
  command(...words: readonly string[]): number {
    const begin = performance.now();
    const argv = ['netns', 'exec', this.netns, process.execPath, join(ROOT, 'bin/rootlet.js'), ...words];
    execFileSync('ip', argv, { env: { ...process.env, ROOTLET_BPFFS: this.#root }, stdio: 'pipe' });
    return performance.now() - begin;
  }

  get #root(): string {
    return join(this.#bpffs.path, 'rootlet');
  }

  /** Exactly these members; the program that they are, which the caller closes. */
  set(files: readonly string[]): BpfProgram {
    this.change({ kind: 'set', members: files.map(memberOf) });
    const { xdp } = this.inside(() => readInterface(this.#sys, 'va'));
    const fd = openById(this.#sys, 'program', xdp.native + xdp.generic);
    if (fd === undefined) throw new Error('the chain is gone');
    return BpfProgram.adopt(this.#sys, fd);
  }

  /** Attaches the program `prog` of an object, which is detached when the result is closed. */
  attach(object: BpfObject): { close(): void } {
    const loaded = loadObject(object, this.#sys);
    const { fd } = loaded.program('prog');
    this.inside(() => setXdp(this.#sys, readInterface(this.#sys, 'va').index, fd.number, { mode: 'native' }));
    return {
      close: () => {
        this.inside(() => setXdp(this.#sys, readInterface(this.#sys, 'va').index, -1, { mode: 'native' }));
        loaded.close();
      },
    };
  }

  clear(): void {
    this.change({ kind: 'unload', members: 'all' });
  }
}

export function memberOf(path: string, at: number): MemberRequest {
  return { file: InputObject.from({ name: path, bytes: readFileSync(path) }), priority: at };
}
