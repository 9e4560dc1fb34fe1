/**
 * How many arguments each helper takes.
 *
 * A call does not say it: the helper reads r1 and as many of r2 to r5 as its prototype has parameters. Apart from
 * `helpers.ts`, because it is a table of its own, which is compared with the prototypes that libbpf generates.
 *
 * Source: the comments of linux/bpf.h, from which libbpf makes bpf_helper_defs.h.
 */

/** Number of parameters by number of the helper, the first being 1; ten in a group, fifty in a line. */
const COUNTS = `
  2423050055 5330021314 4221543533 3231032322 1032311254
  3442435224 2243254544 4444341410 2425513224 4311111155
  4333444215 5333321044 5113053124 3222211111 4443423354
  1421242020 3154534132 3111134145 4332101144 5332314422
  5533322044 2
`.replace(/\s/g, '');

const ZERO = 0x30;

/**
 * Number of arguments of a helper, 0 to 5: it reads r1 to r`n`. Undefined for numbers that no helper has.
 *
 * `bpf_trace_printk` is the only helper with a variable number: 5, of which the kernel accepts the last three
 * without a value.
 */
export function helperArguments(id: number): number | undefined {
  const digit = COUNTS.charCodeAt(id - 1);
  return Number.isNaN(digit) ? undefined : digit - ZERO;
}
