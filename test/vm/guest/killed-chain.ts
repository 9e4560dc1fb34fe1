/**
 * A process that changes the chain of interface `near` and kills itself before a step: `killed-chain.mjs ROOT NETNS WHAT
 * STEP FILE`. Steps are the calls of bpf(2) that change what outlives a process, messages to the network
 * stack, and changes of directories.
 * test/vm/libxdp-killed.vm.ts starts it; it prints how many steps there were when it is not killed.
 */

import fs, { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { changeChain } from '../../../src/chain/chains.ts';
import { findChainHook } from '../../../src/chain/engine/hooks.ts';
import { recoverChains } from '../../../src/chain/engine/recover.ts';
import type { ChainEdit } from '../../../src/chain/model/edit.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { inNetns } from '../../../src/kernel/sys/netns.ts';
import type { PollHandle, Sys, SyscallArgument, SyscallName } from '../../../src/kernel/sys/sys.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { Store } from '../../../src/store/store.ts';

/** Pins, links, frozen and bound maps. */
const CHANGING: readonly unknown[] = [6, 8, 9, 22, 28, 29, 34, 35];

const DIRECTORY_CALLS = ['mkdirSync', 'rmdirSync', 'unlinkSync', 'renameSync', 'symlinkSync'] as const;

class SteppedSys implements Sys {
  readonly #sys = openSys();
  readonly #step: () => void;

  constructor(step: () => void) {
    this.#step = step;
  }

  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    if (name === 'sendto' || (name === 'bpf' && CHANGING.includes(args[0]))) this.#step();
    return this.#sys.syscall(name, ...args);
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#sys.addressOf(bytes);
  }

  view(address: number, length: number): Uint8Array {
    return this.#sys.view(address, length);
  }

  poll(fd: number, onReadable: () => void): PollHandle {
    return this.#sys.poll(fd, onReadable);
  }
}

const [, , root = '', netns = '', what = '', last = '', path = ''] = process.argv;
let count = 0;
const step = () => {
  count++;
  if (count === Number(last)) process.kill(process.pid, 'SIGKILL');
};
/** For all modules. */
function stepBefore(name: (typeof DIRECTORY_CALLS)[number]): void {
  const original: unknown = Reflect.get(fs, name);
  if (typeof original !== 'function') throw new Error(`no ${name}`);
  Reflect.set(fs, name, (...words: readonly unknown[]): unknown => {
    step();
    return Reflect.apply(original, fs, words);
  });
}
for (const name of DIRECTORY_CALLS) stepBefore(name);
syncBuiltinESMExports();

const sys = new SteppedSys(step);
const store = Store.open(sys, root, { hasHappened: recoverChains });
const file = new InputObject({ name: 'member_000001.o', path, bytes: readFileSync(path) });
const EDITS: Readonly<Record<string, ChainEdit>> = {
  load: { kind: 'load', members: [{ file, priority: 20 }] },
  replace: { kind: 'replace', name: 'member_000001', member: { file } },
  unload: { kind: 'unload', members: 'all' },
};
const { [what]: edit } = EDITS;
if (edit === undefined) throw new Error(`no change ${what}`);
inNetns(sys, netns, () => {
  changeChain({ sys, store, time: null }, findChainHook(sys, 'near', 'xdp'), edit, { via: 'libxdp' });
});
process.stdout.write(`${count}\n`);
