/** Bindings of all externs of a consumer, for records and output. */

import type { BpfObject } from '../../object/index.ts';
import { kindId, kindOfExtern } from '../../object/index.ts';
import type { Binding, BindingSlot } from './bindings.ts';
import type { BoundCall, PreparedConsumer } from './consumer.ts';
import { plainExterns } from './find.ts';
import type { Found } from './found.ts';

export interface Outcome {
  /** The consumer before anything was bound. */
  readonly object: BpfObject;
  readonly calls: readonly BoundCall[];
  /** Variables and maps. */
  readonly shares: readonly Found[];
  /** Externs that nothing defines. */
  readonly open: readonly number[];
  /** The loaded object; undefined if nothing was loaded. */
  readonly prepared?: PreparedConsumer;
}

/** Functions first, then variables and maps, then what came with the code of providers. */
export function bindingsOf(outcome: Outcome): Binding[] {
  const { calls, shares, prepared } = outcome;
  return [
    ...calls.map(call => bindingOfCall(call, prepared)),
    ...unbound(outcome),
    ...shares.map(bindingOfShare),
    ...(prepared?.composed.indirect ?? []).map(
      ({ consumer, extern, provider, target, kind }): Binding => ({
        extern,
        kind,
        provider: provider.name,
        target,
        via: kind === 'function' ? 'copy' : 'share',
        reason: `copied with the code of ${consumer.name}`,
        by: 'provider',
        of: consumer.name,
        slot: null,
      }),
    ),
  ];
}

function bindingOfShare({ name, target, provider, by }: Found): Binding {
  return {
    extern: name,
    kind: target.kind,
    provider: provider.name,
    target: target.name,
    via: 'share',
    reason: target.kind === 'map' ? 'one map for both' : 'one variable for both',
    by,
    of: '',
    slot: null,
  };
}

function bindingOfCall(call: BoundCall, prepared: PreparedConsumer | undefined): Binding {
  const { found, choice, name } = call;
  return {
    extern: name,
    kind: 'function',
    provider: found?.provider.name ?? '',
    target: found?.target.name ?? name,
    via: choice.via,
    reason: choice.reason,
    by: found?.by ?? 'registered',
    of: '',
    slot: slotOf(call, prepared),
  };
}

function slotOf(call: BoundCall, prepared: PreparedConsumer | undefined): BindingSlot | null {
  const { tails, exts } = prepared ?? { tails: [], exts: [] };
  const tail = tails.find(use => use.call === call);
  const use = tail ?? exts.find(candidate => candidate.call === call);
  if (use === undefined) return null;
  const { type, entry } = use;
  return {
    array: tail?.array ?? '',
    entry,
    kind: kindId(type),
    progType: type.progType,
    attachType: type.expectedAttachType,
    flags: type.flags,
    own: tail !== undefined && call.found === undefined,
  };
}

/** Weak externs that nothing defines. */
function unbound({ object, calls, open }: Outcome): Binding[] {
  const known = new Set(calls.map(call => call.extern));
  return plainExterns(object).flatMap(({ index, symbol }): Binding[] => {
    if (!open.includes(index) || known.has(index)) return [];
    return [
      {
        extern: symbol.name,
        kind: kindOfExtern(object, index) ?? 'function',
        provider: '',
        target: '',
        via: 'none',
        reason: 'weak and undefined',
        by: 'registered',
        of: '',
        slot: null,
      },
    ];
  });
}
