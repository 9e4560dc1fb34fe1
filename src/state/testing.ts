/**
 * What tests of state share: objects from C, their maps in the kernel, and decisions about them. Not exported
 * from the package.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileInto } from '../../test/support/compile.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { kernelForTests } from '../kernel/testing.ts';
import type { LoadedObject } from '../load/execute/loaded-object.ts';
import { executePlan, type LoadOptions, prepareLoad } from '../load/load.ts';
import type { BpfObject } from '../object/model/model.ts';
import { readObject } from '../object/read/read.ts';
import type { Decision, PreviousMap, StoredState } from './decision.ts';
import { storedStates } from './execute.ts';
import { type PlannedState, planState, type StateRequest } from './plan.ts';

const { sys } = kernelForTests();
export const kernel: Sys = sys ?? new FakeSys();

export const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
`;

/** Declarations with one program, which need not use them. */
export const withProgram = (declarations: string, body = ''): string =>
  `${HEAD}${declarations}\nSEC("xdp") int pass(struct xdp_md *ctx) { ${body} return 2; }`;

/** Each text is compiled once. */
export function compileTexts(texts: Iterable<string>): (text: string) => BpfObject {
  const distinct = [...new Set(texts)];
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-state-'));
  try {
    const paths = compileInto(directory, Object.fromEntries(distinct.map((text, at) => [`o${at}`, text])));
    const objects = new Map(
      distinct.map((text, at) => [
        text,
        readObject({ name: `o${at}.o`, bytes: readFileSync(paths[at] ?? '') }),
      ]),
    );
    return text => {
      const object = objects.get(text);
      if (object === undefined) throw new Error(`not compiled: ${text}`);
      return object;
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Every map of an object as state of something without components. */
export const statesOf = (names: Iterable<string>): PlannedState[] =>
  [...names].map(name => ({ map: name, owner: null, name }));

export interface Running extends Disposable {
  readonly loaded: LoadedObject;
  readonly states: ReadonlyMap<string, StoredState>;
  previous(name: string): PreviousMap | undefined;
}

/** Loads an object as the running generation. */
export function run(object: BpfObject, options: LoadOptions = { pinRoot: null }): Running {
  const { plan } = prepareLoad(object, kernel, options);
  const loaded = executePlan(plan, kernel, options);
  const stored = storedStates(loaded, statesOf(loaded.maps.keys()), new Map());
  return {
    loaded,
    states: new Map([...stored].map(([key, { state }]) => [key, state])),
    previous: name => stored.get(name),
    [Symbol.dispose]: () => loaded.close(),
  };
}

export type Policy = Partial<
  Omit<StateRequest, 'sys' | 'plan' | 'states'> & {
    readonly options: LoadOptions;
    readonly mapsOnly: boolean;
  }
>;

/** Decisions about the next version of what runs. */
export function decide(running: Running, next: BpfObject, policy: Policy = {}) {
  const { options = { pinRoot: null }, mapsOnly = true, ...rest } = policy;
  const { plan } = prepareLoad(next, kernel, { ...options, mapsOnly });
  const no = () => false;
  const decisions = planState({
    sys: kernel,
    plan,
    states: statesOf(plan.maps.map(({ name }) => name)),
    previous: ({ name }) => running.previous(name),
    unchanged: no,
    keepsPrograms: no,
    fresh: no,
    freshVariable: no,
    givenVariable: no,
    pinRoot: null,
    ...rest,
  });
  return { plan, decisions };
}

/** What; declarations before and after; a map; the decision as `describeDecision` gives it; policy. */
export type Row = readonly [
  what: string,
  before: string,
  after: string,
  map: string,
  expected: string,
  policy?: Policy,
];

export const unchanged: Policy = { unchanged: () => true };
export const fresh: Policy = { fresh: () => true };

export function describeDecision(decision: Decision | undefined): string {
  if (decision === undefined) return 'no state';
  switch (decision.kind) {
    case 'migrate': {
      const carried = decision.variables.map(({ name, from, to, size }) => `${name} ${from}->${to}:${size}`);
      const lost = decision.lost.map(({ name, reason }) => `${name} ${reason}`);
      return ['migrate', ...carried, ...(lost.length === 0 ? [] : ['lost', ...lost])].join(' | ');
    }
    case 'reuse':
    case 'rebuild':
    case 'pinned':
      return decision.kind;
    default:
      return `${decision.kind} | ${decision.reason}`;
  }
}

/** A test for each row. A row that expects `.*` somewhere expects a reset with a reason of this form. */
export function testRows(rows: readonly Row[], objectOf: (text: string) => BpfObject): void {
  test.each(rows.map(row => [row[0], row] as const))('%s', (_, [, before, after, name, expected, policy]) => {
    using running = run(objectOf(withProgram(before)));
    const { decisions } = decide(running, objectOf(withProgram(after)), policy);
    const found = describeDecision(decisions.get(name)?.decision);
    if (expected.includes('.*')) expect(found).toMatch(new RegExp(`^reset \\| ${expected}`));
    else expect(found).toBe(expected);
  });
}

/** What the rows need. */
export const textsOf = (rows: readonly Row[]): string[] =>
  rows.flatMap(([, before, after]) => [withProgram(before), withProgram(after)]);
