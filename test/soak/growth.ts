/**
 * The rule of the soak test: what grows with the number of cycles. Separate, since it needs only numbers.
 *
 * The first half of a run warms up: code is compiled, caches and pools fill. Only the second half is judged, and its
 * slope has to be about 0. Two kinds of measures have a rule each:
 *
 * - `count` (descriptors, programs, pins, …) is exact. The least value of the last quarter must not be above the least
 *   value of the third quarter: what is freed a moment later (by the kernel after a grace period, by the collector) is
 *   in some samples and not in others, and what leaks is in all later ones.
 * - `bytes` (heap, memory outside of it, resident memory) have noise. The median of the slopes between all pairs of
 *   samples (Theil and Sen), which single samples do not change, times the cycles of the half must stay below the
 *   limit of the measure. At 10,000 cycles the limit of the heap, 1 MiB, is 210 bytes a cycle.
 */

/** Measured after a cycle. */
export interface Sample {
  readonly cycle: number;
  readonly value: number;
}

export interface Rule {
  readonly kind: 'count' | 'bytes';
  /** How much may be added in the second half of a run. */
  readonly limit: number;
}

export interface Growth {
  /** For each cycle, in the second half. */
  readonly perCycle: number;
  readonly grows: boolean;
}

export function growthOf(samples: readonly Sample[], rule: Rule): Growth {
  const half = samples.slice(Math.floor(samples.length / 2));
  const [first, last] = [half[0], half.at(-1)];
  if (first === undefined || last === undefined || first === last) return { perCycle: 0, grows: false };
  const cycles = last.cycle - first.cycle;
  const added = rule.kind === 'count' ? addedToLeast(half) : medianSlope(half) * cycles;
  return { perCycle: added / cycles, grows: added > rule.limit };
}

/** Between the least values of the two parts. */
function addedToLeast(samples: readonly Sample[]): number {
  const middle = Math.floor(samples.length / 2);
  const least = (some: readonly Sample[]): number => Math.min(...some.map(({ value }) => value));
  return least(samples.slice(middle)) - least(samples.slice(0, middle));
}

function medianSlope(samples: readonly Sample[]): number {
  const slopes = samples.flatMap((a, at) =>
    samples.slice(at + 1).map(b => (b.value - a.value) / (b.cycle - a.cycle)),
  );
  slopes.sort((a, b) => a - b);
  const middle = Math.floor(slopes.length / 2);
  const [low, high] = [slopes[slopes.length % 2 === 1 ? middle : middle - 1], slopes[middle]];
  return low === undefined || high === undefined ? 0 : (low + high) / 2;
}
