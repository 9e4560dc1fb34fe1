/** What happened between two readings of a chain, for each member by its name. */

import type { Counters, VerdictCount } from '../../link/index.ts';
import type { MemberState } from '../model/index.ts';
import type { Reading } from './open.ts';

/** Per second, of one member. */
export interface MemberRate {
  readonly member: MemberState;
  /** Null where there is nothing to compare. */
  readonly rate: Rate | null;
  /** Why there is no rate; null with one. */
  readonly reason: string | null;
}

export interface Rate {
  readonly packets: number;
  readonly bits: number;
  /** Of each verdict; those that did not occur are left out. */
  readonly verdicts: readonly { readonly name: string; readonly packets: number; readonly share: number }[];
  /** Mean of the packets whose time was taken; null without one. */
  readonly nanoseconds: number | null;
}

/** Of a member without counters. */
export function whyNotCounted({ file }: MemberState): string {
  return file === null ? 'not counted: loaded by another tool' : 'not counted: loaded without counters';
}

/** The members of `after`. A member whose counters began again since `before` counts from 0. */
export function ratesBetween(before: Reading, after: Reading): readonly MemberRate[] {
  const seconds = Number(after.time - before.time) / 1e9;
  return after.members.map(({ member, counters, mapId }) => {
    const earlier = before.members.find(one => one.member.name === member.name);
    if (counters === null) return { member, rate: null, reason: whyNotCounted(member) };
    if (earlier === undefined || !(seconds > 0)) return { member, rate: null, reason: 'first reading' };
    const base = earlier.mapId === mapId ? earlier.counters : null;
    return { member, rate: rateOf(base, counters, seconds), reason: null };
  });
}

function rateOf(before: Counters | null, after: Counters, seconds: number): Rate {
  const less = (now: bigint, then: bigint | undefined): number =>
    Number(now - (then === undefined ? 0n : then));
  const packets = less(after.packets, before?.packets);
  const timed = less(after.timed, before?.timed);
  const verdicts = after.verdicts.flatMap((count, at) => {
    const number = less(count.packets, before?.verdicts[at]?.packets);
    return number === 0 ? [] : [verdictRate(count, number, packets, seconds)];
  });
  return {
    packets: packets / seconds,
    bits: (less(after.bytes, before?.bytes) * 8) / seconds,
    verdicts,
    nanoseconds: timed === 0 ? null : less(after.time, before?.time) / timed,
  };
}

function verdictRate({ name }: VerdictCount, number: number, all: number, seconds: number) {
  return { name, packets: number / seconds, share: number / all };
}
