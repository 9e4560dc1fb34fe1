/** Chains by the protocol of libxdp on the wire of a peer, changed in this process as commands change them. */

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { type ChainChange, type ChainOptions, changeChain } from '../../../src/chain/chains.ts';
import { findChainHook } from '../../../src/chain/engine/hooks.ts';
import type { ChainHook, ChainState } from '../../../src/chain/model/chain.ts';
import type { ChainEdit, MemberRequest } from '../../../src/chain/model/edit.ts';
import { readChain } from '../../../src/chain/reading.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { Store } from '../../../src/store/store.ts';
import { type MemberSpec, memberName } from '../../support/chain-members.ts';
import { sys } from './kernel.ts';
import type { Peer } from './xdp-tools.ts';

export interface Chains {
  readonly store: Store;
  readonly hook: ChainHook;
  change(edit: ChainEdit, options?: ChainOptions): ChainChange;
  state(): ChainState;
  /** Loads members by the protocol of libxdp, without counters: their tags are those of the other tool. */
  load(...specs: readonly MemberSpec[]): ChainChange;
  /** Removes entries, whatever is attached. */
  forget(): void;
  close(): void;
}

/** A store of its own, so that what an entry keeps is seen. */
export function openChains(peer: Peer, root: string): Chains {
  const store = Store.open(sys, root);
  const context = { sys, store, time: null };
  const hook = peer.wire.inside(() => findChainHook(sys, 'near', 'xdp'));
  const change = (edit: ChainEdit, options: ChainOptions = {}): ChainChange =>
    peer.wire.inside(() => changeChain(context, hook, edit, options));
  return {
    store,
    hook,
    change,
    state: () => peer.wire.inside(() => readChain(context, hook)),
    load: (...specs) =>
      change(
        { kind: 'load', members: specs.map(spec => memberRequest(peer, spec)) },
        { via: 'libxdp', counters: false },
      ),
    forget: () => {
      for (const entry of store.list()) store.remove(entry);
    },
    close: () => {
      if (existsSync(root)) rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A member from its file, as a command gets it. */
export function memberRequest(
  peer: Peer,
  spec: MemberSpec,
  more: Partial<MemberRequest> = {},
): MemberRequest {
  const path = peer.file(spec);
  return {
    file: new InputObject({ name: `${memberName(spec)}.o`, path, bytes: readFileSync(path) }),
    ...more,
  };
}
