/** A rootlet in a store, opened anew for each change as commands do; and steps of the store that fail. */

import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { firstEntryState } from '../../src/dynamic/object-state.ts';
import type { ObjectFile } from '../../src/dynamic/relink-design.ts';
import type { RelinkVia } from '../../src/dynamic/relink-generation.ts';
import type { Rootlet } from '../../src/dynamic/relink-rootlet.ts';
import { firstRelink, openRootlet, slotsFor } from '../../src/dynamic/relink-store.ts';
import { type AttachPlace, attachProgram, hookData, hookLinks, openHook } from '../../src/hooks/index.ts';
import type { Sys } from '../../src/kernel/sys.ts';
import { loadObject } from '../../src/load/index.ts';
import { readObject } from '../../src/object/index.ts';
import { encodeEntryState, NO_SETTINGS } from '../../src/state/index.ts';
import { Store } from '../../src/store/index.ts';

export class EntryUnderTest {
  readonly store: Store;
  readonly root: string;
  readonly #main: string;
  #failAt = 0;
  #onStep: () => void = () => {};
  #steps = 0;

  /** Attaches it, as `rootlet attach` does. `inside` runs in the network namespace of the place. */
  constructor(
    sys: Sys,
    root: string,
    file: ObjectFile,
    main: string,
    via: RelinkVia | undefined,
    place: AttachPlace,
    inside: <T>(body: () => T) => T,
  ) {
    this.root = root;
    this.#main = main;
    this.store = Store.open(sys, root, { onStep: () => this.#step() });
    const object = slotsFor(readObject(file.bytes, file.name), via);
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

  /** Runs `body`, and `onStep` before each step of the store within it. */
  duringSteps<T>(onStep: () => void, body: () => T): T {
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

  #step(): void {
    this.#onStep();
    this.#steps++;
    if (this.#steps === this.#failAt) throw new Error('this step fails');
  }
}
