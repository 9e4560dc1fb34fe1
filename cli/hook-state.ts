/**
 * What really runs on the hooks of entries, which others may have changed: for lists, for changes that want to find what
 * they left, and for those that a killed process had begun.
 */

import { readlinkSync } from 'node:fs';
import { platformError, quote, RootletError, usageError } from '../src/diag/index.ts';
import { TcFilter } from '../src/kernel/tc.ts';
import type { Store, StoreEntry } from '../src/store/index.ts';
import { fieldsOf, textOf } from './json-fields.ts';

/** Name of the attachment among the links of its entry. */
export const HOOK_LINK = 'hook';

export function ownNetns(): string {
  return readlinkSync('/proc/self/ns/net');
}

/** The filter of an entry, without asking whether it is there. Throws `store-record`, `attach-other-netns`. */
export function filterOf(store: Store, entry: StoreEntry): TcFilter {
  const { filter, attach } = entry.record.data;
  const { interface: name, direction, priority, handle, netns } = fieldsOf(filter);
  if (
    typeof priority !== 'number' ||
    typeof handle !== 'number' ||
    (direction !== 'ingress' && direction !== 'egress')
  )
    throw platformError(
      'store-record',
      [`hook ${quote(entry.name)}`],
      'its record does not tell where its filter is',
    );
  if (netns !== ownNetns()) {
    throw usageError(
      'attach-other-netns',
      `${quote(entry.name)} is in another network namespace (${textOf(netns)})`,
      {
        hint: 'run this command in that namespace: ip netns exec NAME …, nsenter --net=…',
      },
    );
  }
  const { program } = fieldsOf(attach);
  const options = { direction, name: textOf(program) } as const;
  return TcFilter.existing(store.sys, textOf(name), options, { priority, handle });
}

/** Id of the entry's own program on its hook. */
export function ownProgramId(entry: StoreEntry): number | undefined {
  const { attach } = entry.record.data;
  const { program } = fieldsOf(attach);
  return entry.record.programs.find(({ name }) => name === program)?.id;
}

/** BPF_LINK_TYPE_STRUCT_OPS; its first word is the id of the table. */
const LINK_OF_TABLE = 9;

function ownTableId(entry: StoreEntry): number | undefined {
  const { attach } = entry.record.data;
  const { program } = fieldsOf(attach);
  return entry.record.maps.find(({ name }) => name === program)?.id;
}

/** What a clsact filter does now, in words for lists. */
export function filterState(store: Store, entry: StoreEntry): string {
  try {
    const running = filterOf(store, entry).programId();
    return running === undefined ? 'gone: somebody removed it' : `runs program ${running}`;
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    if (error.code === 'kernel-no-interface') return 'ended: its interface is gone';
    return error.code === 'attach-other-netns' ? 'in another network namespace' : 'not known';
  }
}

/**
 * Whether the hook of a generation that a killed process left runs its program. One without a predecessor is believed
 * only when it is a filter: an attachment ends with its pin.
 */
export function hasHappened(left: StoreEntry, store: Store): boolean {
  const own = left.kind === 'hook' ? (ownProgramId(left) ?? ownTableId(left)) : undefined;
  if (own === undefined) return false;
  try {
    const { filter } = left.record.data;
    if (filter !== undefined) return filterOf(store, left).programId() === own;
    if (store.peek('hook', left.name) === undefined) return false;
    using attached = store.openLink(left, HOOK_LINK);
    const { type, programId, words } = attached.info();
    return own === (type === LINK_OF_TABLE ? words[0] : programId);
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}
