/**
 * Who attached a program that is not a chain: what the kernel, /proc and the bpf file systems show of it. For
 * messages only; nothing is decided by a name.
 */

import { quote, RootletError } from '../../diag/index.ts';
import { linkTypeName } from '../../hooks/index.ts';
import {
  listIds,
  openById,
  readLinkInfo,
  readProgramInfo,
  type Sys,
  type XdpMode,
} from '../../kernel/index.ts';
import { describeEntry, type Holder, type Store, type StoreEntry, takeCensus } from '../../store/index.ts';
import { BPF_LINK_TYPE_XDP } from '../../uapi/index.ts';

/** A program on a hook, and who holds it. */
export interface HookOwner {
  readonly programId: number;
  /** '' where the kernel has none. */
  readonly name: string;
  readonly mode: XdpMode | null;
  /** Id of the bpf_link that attaches it; null for programs over netlink. */
  readonly linkId: number | null;
  /** Processes and pins that hold the program or the link. */
  readonly holders: readonly Holder[];
  /** Entry of the store that has the program, as messages name it; null without one. */
  readonly entry: string | null;
  /** Name of that entry where "rootlet detach" removes it; null for others. */
  readonly attachment: string | null;
  /** Tool that it looks like: `Cilium`; null for any other. */
  readonly tool: string | null;
}

/** How tools can be recognised: by the name of the program, a pin, or the command of a process. */
const TOOLS: readonly (readonly [tool: string, pattern: RegExp])[] = [
  ['bpfman', /^bpfman|\/bpfman\//],
  ['Cilium', /^cil_|^cilium|\/cilium(\/|$)/],
  ['Calico', /^cali|\/calico(\/|$)/],
  ['L3AF', /^l3afd|\/l3af/],
  ['katran', /^balancer_ingress$|^xdp_root$|\/katran/],
  ['an AF_XDP application', /^xsk_def_prog$/],
  ['Suricata', /^suricata/],
  ['systemd', /^systemd|^sd_/],
  ['libxdp', /^xdp_dispatcher$/],
];

/** Tool that any of the texts belongs to. */
export function toolOf(texts: readonly string[]): string | null {
  return TOOLS.find(([, pattern]) => texts.some(text => pattern.test(text)))?.[0] ?? null;
}

/** The owner of a program on an interface; with less where this process may not look. */
export function ownerOf(
  sys: Sys,
  store: Store,
  at: { readonly id: number; readonly mode: XdpMode | null; readonly ifindex: number },
): HookOwner {
  const { id, mode } = at;
  const name = tryOr('', () => programName(sys, id));
  const linkId = tryOr(null, () => xdpLinkOf(sys, at));
  const holders = tryOr([], () => holdersOf(sys, id, linkId));
  const found = tryOr(undefined, () => entryOf(store, id));
  const texts = holders.map(holder => (holder.kind === 'pin' ? holder.path : holder.command));
  return {
    programId: id,
    name,
    mode,
    linkId,
    holders,
    entry: found === undefined ? null : describeEntry(found),
    attachment: found?.kind === 'hook' ? found.name : null,
    tool: toolOf([...texts, name]),
  };
}

function programName(sys: Sys, id: number): string {
  using fd = openById(sys, 'program', id);
  return fd === undefined ? '' : readProgramInfo(sys, fd.number).name;
}

/** The kernel names the interface of a link by its index alone: two namespaces may have the same program. */
function xdpLinkOf(
  sys: Sys,
  { id, ifindex }: { readonly id: number; readonly ifindex: number },
): number | null {
  for (const link of listIds(sys, 'link')) {
    using fd = openById(sys, 'link', link);
    if (fd === undefined) continue;
    const info = readLinkInfo(sys, fd.number);
    if (info.type === BPF_LINK_TYPE_XDP && info.programId === id && info.words[0] === ifindex) return link;
  }
  return null;
}

function holdersOf(sys: Sys, programId: number, linkId: number | null): Holder[] {
  const { programs, links } = takeCensus(sys);
  const found = [
    ...programs.filter(({ id }) => id === programId),
    ...links.filter(({ id }) => id === linkId),
  ];
  return found.flatMap(({ holders }) => holders);
}

function entryOf(store: Store, programId: number): StoreEntry | undefined {
  return store
    .list()
    .flatMap(one => (one.kind === 'broken' ? [] : [one]))
    .find(({ record }) => record.programs.some(({ id }) => id === programId));
}

/** One sentence for each thing that is known. */
export function describeOwner({ linkId, holders, entry, tool }: HookOwner): string[] {
  return [
    linkId === null
      ? 'attached over netlink: it belongs to the interface'
      : `attached by ${linkTypeName(BPF_LINK_TYPE_XDP)} link ${linkId}, which alone can change or remove it`,
    ...(tool === null ? [] : [`it looks like a program of ${tool}`]),
    ...(entry === null ? [] : [`it belongs to ${entry}`]),
    ...holders.map(holder =>
      holder.kind === 'pin'
        ? `pinned as ${quote(holder.path)}`
        : `held by process ${holder.pid} (${quote(holder.command)})`,
    ),
  ];
}

/** Messages can do with less. */
function tryOr<T>(otherwise: T, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof RootletError) return otherwise;
    throw error;
  }
}
