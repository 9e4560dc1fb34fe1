/**
 * Closes a test run, after the usual reporter has shown the failures: which tests were skipped and why, and a plain
 * line with the counts. With CI=true a skip is a failure, unless its reason is one that CI can do nothing about.
 */

import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/** Reasons for which tests may be skipped in CI. Everything else can be had there, so its absence is a mistake. */
const ALLOWED_IN_CI: readonly RegExp[] = [
  /qemu-system-\w+ is not installed/,
  /this kernel (is older than|has no|refuses|shows no)/i,
];

interface Skip {
  readonly name: string;
  readonly reason: string;
}

export default class ClosingReporter implements Reporter {
  #isFiltered = false;
  /** Skips are counted only: the quick tests leave out what needs more by design. */
  #isQuick = false;

  onInit(vitest: Vitest): void {
    this.#isFiltered = vitest.config.testNamePattern !== undefined;
    this.#isQuick = vitest.config.env?.['ROOTLET_TEST_QUICK'] === '1';
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const cases = modules.flatMap(module => [...module.children.allTests()]);
    const inState = (state: string) => cases.filter(one => one.result().state === state);
    // With -t, what was not requested counts as skipped too.
    const skips = this.#isFiltered ? [] : [...inState('skipped').map(skipOf), ...cases.flatMap(partOf)];
    const { CI } = process.env;
    const refused = CI === 'true' ? skips.filter(skip => !isAllowedInCi(skip)) : [];
    // A module that cannot even be loaded has no tests that could fail.
    const broken = modules.filter(module => module.state() === 'failed' && !hasFailedTest(module)).length;
    const failed = inState('failed').length + broken + unhandledErrors.length + refused.length;

    const lines = [
      ...(this.#isQuick
        ? []
        : listSkips(
            'Skipped:',
            skips.filter(skip => !refused.includes(skip)),
          )),
      ...listSkips('Failed, because CI may not skip them:', refused),
      `${inState('passed').length} passed, ${failed} failed, ${skips.length - refused.length} skipped`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    if (failed > 0) process.exitCode = 1;
  }
}

function hasFailedTest(module: TestModule): boolean {
  return [...module.children.allTests('failed')].length > 0;
}

function isAllowedInCi(skip: Skip): boolean {
  return ALLOWED_IN_CI.some(pattern => pattern.test(skip.reason));
}

/** The reason is what the test said when it skipped itself, or what a name above it ends with in parentheses. */
function skipOf(one: TestCase): Skip {
  const result = one.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  const name = `${one.module.relativeModuleId}: ${one.fullName}`;
  return { name, reason: note ?? reasonInNames(one) ?? 'no reason given' };
}

/** A test that passed without a part of itself (`leftOut` of `needs.ts`). */
function partOf(one: TestCase): Skip[] {
  const leftOut: unknown = new Map(Object.entries(one.meta())).get('leftOut');
  const name = `${one.module.relativeModuleId}: ${one.fullName} (in part)`;
  return typeof leftOut === 'string' ? [{ name, reason: leftOut }] : [];
}

function reasonInNames(one: TestCase): string | undefined {
  const names: string[] = [one.name];
  for (let suite = one.parent; suite.type === 'suite'; suite = suite.parent) names.unshift(suite.name);
  const name = names.find(candidate => candidate.endsWith(')') && candidate.includes(' ('));
  return name?.slice(name.indexOf(' (') + 2, -1);
}

/** Each reason with the tests that it stopped. */
function listSkips(title: string, skips: readonly Skip[]): string[] {
  if (skips.length === 0) return [];
  const groups = new Map<string, Skip[]>();
  for (const skip of skips) groups.set(skip.reason, [...(groups.get(skip.reason) ?? []), skip]);
  const lines = [...groups].flatMap(([reason, group]) => [
    `  ${reason}:`,
    ...group.map(skip => `    ${skip.name}`),
  ]);
  return [title, ...lines];
}
