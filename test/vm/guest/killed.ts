/**
 * A process that changes a rootlet of the store and kills itself before a step: `killed.mjs ROOT MAIN WHAT VERSION STEP OBJECTS`.
 * Steps are those of the store, and the calls of bpf(2) that change what outlives a process. test/vm/relink-stages.vm.ts
 * starts it.
 */

import { recoverLeft } from '../../../src/dynamic/entries/recover.ts';
import { openRootlet } from '../../../src/dynamic/slots/store.ts';
import { openHook } from '../../../src/hooks/entries/entry.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import type { PollHandle, Sys, SyscallArgument, SyscallName } from '../../../src/kernel/sys/sys.ts';
import { Store } from '../../../src/store/store.ts';
import { type StagedOptions, stageChange, stagedObjects } from '../../e2e/slots/staged-traffic.ts';

/** Elements of maps, pins, links, programs on hooks, frozen and bound maps. */
const CHANGING: readonly unknown[] = [2, 3, 6, 8, 9, 22, 28, 29, 34, 35];

/** The kernel, with a step before each change. */
class SteppedSys implements Sys {
  readonly #sys: Sys;
  readonly #step: () => void;

  constructor(sys: Sys, step: () => void) {
    this.#sys = sys;
    this.#step = step;
  }

  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    if (name === 'bpf' && CHANGING.includes(args[0])) this.#step();
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

function change(
  root: string,
  program: string,
  what: StagedOptions['what'],
  version: 0 | 1,
  objects: string,
  step: () => void,
): void {
  const store = Store.open(new SteppedSys(openSys(), step), root, { hasHappened: recoverLeft, onStep: step });
  store.locked(() => {
    const entry = store.find('hook', 'R');
    if (entry === undefined) throw new Error('the entry is gone');
    using hook = openHook(store, entry);
    using rootlet = openRootlet({
      store,
      entry,
      hook,
      program,
      options: { pinRoot: null },
      describe: () => ({}),
      time: null,
    });
    rootlet.change(stageChange(stagedObjects(objects), what, version));
  });
}

const [, , root = '', program = '', what = '', version = '', last = '', objects = ''] = process.argv;
let count = 0;
change(root, program, what === 'rootlet' ? 'rootlet' : 'component', version === '1' ? 1 : 0, objects, () => {
  count++;
  if (count === Number(last)) process.kill(process.pid, 'SIGKILL');
});
