/** Kinds of program that the machine runs. */

/** Kinds of program that the machine runs. */
export type ProgramKind = 'xdp' | 'tc' | 'socket' | 'cgroup-skb';

/** Kinds whose context is a `struct __sk_buff`. */
export const SKB: readonly ProgramKind[] = ['tc', 'socket', 'cgroup-skb'];

export const TC: readonly ProgramKind[] = ['tc'];

export const XDP: readonly ProgramKind[] = ['xdp'];
