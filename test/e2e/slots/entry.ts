/** A rootlet in a store, opened again for each change as commands do; and steps of the store that fail. */

import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SlotBackEnd } from '../../../src/dynamic/generation/generation.ts';
import type { Rootlet } from '../../../src/dynamic/slots/rootlet.ts';
import { firstRelink, openRootlet, slotsFor } from '../../../src/dynamic/slots/store.ts';
import { firstEntryState } from '../../../src/dynamic/upgrade/object-state.ts';
import { hookData, hookLinks, openHook } from '../../../src/hooks/entries/entry.ts';
import { attachProgram } from '../../../src/hooks/kinds/attach.ts';
import type { AttachPlace } from '../../../src/hooks/targets/kinds.ts';
import { openById } from '../../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import type { PollHandle, Sys, SyscallArgument, SyscallName } from '../../../src/kernel/sys/sys.ts';
import { loadObject } from '../../../src/load/load.ts';
import type { ObjectFile } from '../../../src/object/read/input.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { encodeEntryState } from '../../../src/state/record.ts';
import { NO_SETTINGS } from '../../../src/state/settings.ts';
import type { SaveStep } from '../../../src/store/save.ts';
import { Store } from '../../../src/store/store.ts';
import { ENOMEM } from '../../../src/uapi/errno.ts';

/** A kernel that refuses one call of bpf(2) on request. */
export class RefusingSys implements Sys {
  readonly #sys: Sys;
  #command = -1;
  #left = 0;

  constructor(sys: Sys) {
    this.#sys = sys;
  }

  /** The `nth` call from now on of a command of bpf(2) fails with ENOMEM. */
  refuse(command: number, nth = 1): void {
    this.#command = command;
    this.#left = nth;
  }

  syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    if (name === 'bpf' && args[0] === this.#command && --this.#left === 0) return -ENOMEM;
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

export class EntryUnderTest {
  readonly store: Store;
  readonly root: string;
  readonly #main: string;
  #failAt = 0;
  #onStep: (step: SaveStep) => void = () => {};
  #failed: SaveStep | undefined;
  #steps = 0;

  /** Attaches it, as `rootlet attach` does. `inside` runs in the network namespace of the place. */
  constructor(
    sys: Sys,
    root: string,
    file: ObjectFile,
    main: string,
    via: SlotBackEnd | undefined,
    place: AttachPlace,
    inside: <T>(body: () => T) => T,
  ) {
    this.root = root;
    this.#main = main;
    this.store = Store.open(sys, root, { onStep: step => this.#step(step) });
    const object = slotsFor(readObject(file), via);
    using loaded = loadObject(object, sys, { pinRoot: null, programs: name => name === main });
    using hook = inside(() => attachProgram(loaded, main, place));
    this.store.save('hook', 'R', {
      source: file.name,
      programs: loaded.programs,
      maps: loaded.maps,
      links: hookLinks(hook),
      files: new Map([['object', file.bytes]]),
      data: {
        ...hookData(hook, { kind: 'xdp', target: '', place }, main),
        ...encodeEntryState(firstEntryState(loaded, NO_SETTINGS)),
        ...(via === undefined ? {} : firstRelink(loaded, file, main, via)),
      },
    });
  }

  /** The next `step`s of the store succeed, then one fails; 0 for none. */
  failAt(step: number): void {
    this.#failAt = step;
    this.#steps = 0;
  }

  /** The step that failed last. */
  get failed(): SaveStep | undefined {
    return this.#failed;
  }

  /** Runs `body`, and `onStep` before each step of the store within it. */
  duringSteps<T>(onStep: (step: SaveStep) => void, body: () => T): T {
    this.#onStep = onStep;
    try {
      return body();
    } finally {
      this.#onStep = () => {};
    }
  }

  /** Opens the rootlet as the next command would. */
  with<T>(body: (rootlet: Rootlet) => T): T {
    const { store } = this;
    return store.locked(() => {
      const entry = store.find('hook', 'R');
      if (entry === undefined) throw new Error('the entry is gone');
      using hook = openHook(store, entry);
      using rootlet = openRootlet({
        store,
        entry,
        hook,
        program: this.#main,
        options: { pinRoot: null },
        describe: () => ({}),
        time: null,
      });
      return body(rootlet);
    });
  }

  /** Another process puts a program on the hook. */
  update(program: BpfProgram): void {
    const entry = this.store.find('hook', 'R');
    if (entry === undefined) throw new Error('the entry is gone');
    using hook = openHook(this.store, entry);
    hook.update(program, null);
  }

  /** Verdict of what is on the hook; nothing that is pending is finished by looking. */
  verdict(data: Uint8Array): number {
    const entry = this.store.find('hook', 'R');
    if (entry === undefined) throw new Error('the entry is gone');
    using hook = openHook(this.store, entry);
    const fd = openById(this.store.sys, 'program', hook.occupantId() ?? 0);
    if (fd === undefined) throw new Error('nothing is on the hook');
    using program = BpfProgram.adopt(this.store.sys, fd);
    return program.testRun({ data }).verdict;
  }

  close(): void {
    this.failAt(0);
    const entry = this.store.find('hook', 'R');
    if (entry !== undefined) this.store.remove(entry);
    rmdirSync(join(this.root, 'hooks'));
    rmdirSync(this.root);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #step(step: SaveStep): void {
    this.#onStep(step);
    this.#steps++;
    if (this.#steps !== this.#failAt) return;
    this.#failed = step;
    throw new Error('this step fails');
  }
}
