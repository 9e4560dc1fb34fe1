/**
 * One change of a tcx chain in a process of its own, as a command makes it: `node worker.mjs ROOT DIRECTORY JSON`. Bundled
 * by the tests, which kill it between two system calls.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { recoverChains } from '../../../src/chain/engine/recover.ts';
import type { ChainHook } from '../../../src/chain/model/chain.ts';
import type { DesignMember } from '../../../src/chain/model/design.ts';
import { applyTcx } from '../../../src/chain/tcx/apply.ts';
import { readTcx } from '../../../src/chain/tcx/read.ts';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { currentNetns } from '../../../src/kernel/sys/netns.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { NO_SETTINGS } from '../../../src/state/settings.ts';
import { Store } from '../../../src/store/store.ts';
import type { Wanted } from './tcx-lab.ts';

/** All members, or one that is added or removed beside those that are there. */
export type WorkerEdit =
  | { readonly kind: 'set'; readonly members: readonly Wanted[] }
  | { readonly kind: 'add'; readonly member: Wanted }
  | { readonly kind: 'remove'; readonly name: string }
  /** Adds and removes a member until it is killed. */
  | { readonly kind: 'churn'; readonly member: Wanted };

export function designMember(
  directory: string,
  { name, object = name, program, ...more }: Wanted,
  at: number,
): DesignMember {
  const { priority, on, set } = more;
  const bytes = readFileSync(join(directory, `${object}.o`));
  return {
    name,
    file: new InputObject({ name: `${object}.o`, bytes }),
    program: program ?? name,
    priority: priority ?? (at + 1) * 10,
    continueOn: on ?? [-1, 1, 3, 5, 6, 'other'],
    given: { priority: priority !== undefined, continueOn: on !== undefined },
    settings: set === undefined ? NO_SETTINGS : { ...NO_SETTINGS, globals: new Map(Object.entries(set)) },
    loaded: null,
    adopted: null,
  };
}

/** Runs in the network namespace of the interface `va`. */
export function work(root: string, directory: string, edit: WorkerEdit): void {
  const sys = openSys();
  const store = Store.open(sys, root, { hasHappened: recoverChains });
  const { index } = readInterface(sys, 'va');
  const hook: ChainHook = {
    kind: 'tc',
    direction: 'ingress',
    interface: 'va',
    ifindex: index,
    netns: currentNetns(),
  };
  const context = { sys, store, time: null };
  if (edit.kind === 'churn')
    for (;;)
      for (const members of [[edit.member], []])
        applyTcx(context, hook, {
          members: members.map(one => designMember(directory, one, 0)),
          failClosed: false,
        });
  store.locked(() => {
    const { members } = readTcx(context, hook).design;
    applyTcx(context, hook, { members: edited(members, directory, edit), failClosed: false });
  });
}

function edited(
  members: readonly DesignMember[],
  directory: string,
  edit: Exclude<WorkerEdit, { kind: 'churn' }>,
): readonly DesignMember[] {
  switch (edit.kind) {
    case 'set':
      return edit.members.map((one, at) => designMember(directory, one, at));
    case 'add':
      return [...members, designMember(directory, edit.member, 0)].sort((a, b) => a.priority - b.priority);
    case 'remove':
      return members.filter(({ name }) => name !== edit.name);
  }
}
