/** One owner of limits: documents, help and options have what the table in src/diag/limits.ts has. */

import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import {
  APPLY_LIMITS,
  INSPECT_LIMITS,
  KERNEL_RUN_LIMITS,
  LINK_LIMITS,
  LOAD_LIMITS,
  PLAN_LIMITS,
  RUN_LIMITS,
} from '../../cli/flags/limits.ts';
import { main } from '../../cli/main.ts';
import { classOf } from '../../src/diag/codes.ts';
import { describeLimit, LIMIT_NAMES, LIMITS, type LimitName } from '../../src/diag/limits.ts';

const page = readFileSync('docs/robustness.md', 'utf8');

function row(name: LimitName): string {
  const { value, least, most, code, bounds } = LIMITS[name];
  const [standard, from, to] = [value, least, most].map(number => describeLimit(name, number));
  return `| \`${name}\` | ${standard} | ${from} | ${to} | \`${code}\` | ${bounds} |`;
}

test('docs/robustness.md has the table of limits', () => {
  const section = page.slice(page.indexOf('\n## Limits'), page.indexOf('\n## Soak'));
  const rows = section.split('\n').filter(line => /^\| `[a-z]+` \|/.test(line));
  expect(rows).toEqual(LIMIT_NAMES.map(row));
});

test('values are in their ranges, and codes are those of inputs', () => {
  for (const name of LIMIT_NAMES) {
    const { value, least, most, code } = LIMITS[name];
    expect([least <= value, value <= most, classOf(code)], name).toEqual([true, true, 'input']);
  }
});

const COMMANDS: readonly (readonly [readonly string[], readonly LimitName[]])[] = [
  [['link'], LINK_LIMITS],
  [['relink'], LINK_LIMITS],
  [['inspect'], INSPECT_LIMITS],
  [['run'], [...new Set([...RUN_LIMITS, ...KERNEL_RUN_LIMITS])]],
  ...['load', 'attach', 'replace'].map(name => [[name], LOAD_LIMITS] as const),
  ...['xdp', 'tc'].flatMap(kind => ['load', 'replace'].map(name => [[kind, name], LOAD_LIMITS] as const)),
  [['apply'], APPLY_LIMITS],
  [['plan'], PLAN_LIMITS],
];

afterEach(() => {
  process.exitCode = 0;
});

test.each(COMMANDS)('the help of %j lists its limits', async (words, limits) => {
  const out: string[] = [];
  const write = (text: string): unknown => out.push(text);
  await main([...words, '--help'], { stdout: { write }, stderr: { write } });
  expect(out.join('').replaceAll(/\s+/g, ' ')).toContain(`as in btf=128MiB: ${limits.join(', ')}`);
});

test('each limit is one of some command', () => {
  expect(new Set(COMMANDS.flatMap(([, limits]) => limits))).toEqual(new Set(LIMIT_NAMES));
});
