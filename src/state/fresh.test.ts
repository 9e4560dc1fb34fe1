import { expect, test } from 'vitest';
import { RootletError } from '../diag/problem.ts';
import { FreshNames } from './fresh.ts';
import type { MapIdentity } from './identity.ts';

const own: MapIdentity = { owner: null, name: 'rules' };
const fw: MapIdentity = { owner: 'fw', name: 'rules' };
const outgoing: MapIdentity = { owner: 'fw', name: 'rules', version: 1 };
const bss: MapIdentity = { owner: 'fw', name: '.bss' };
const other: MapIdentity = { owner: 'dns', name: 'rules' };

test.each<[name: string, covered: readonly MapIdentity[]]>([
  ['*', [own, fw, outgoing, bss, other]],
  ['fw', [fw, outgoing, bss]],
  ['rules', [own, fw, outgoing, other]],
  ['fw:rules', [fw, outgoing]],
  ['.bss', [bss]],
  ['fw:.bss', [bss]],
  ['fw:', []],
  [':rules', []],
  ['rule', []],
  ['null:rules', []],
  ['', []],
])('--fresh %s', (name, covered) => {
  const fresh = new FreshNames([name]);
  expect([own, fw, outgoing, bss, other].filter(fresh.covers)).toEqual(covered);
});

test.each<[name: string, own: boolean, fw: boolean, dns: boolean]>([
  ['seen', true, true, true],
  ['fw:seen', false, true, false],
  ['dns:seen', false, false, true],
  ['fw', false, false, false], // the component as a whole is about its maps
  ['*', false, false, false],
  ['see', false, false, false],
])('--fresh %s and the variable "seen"', (name, ofRootlet, ofFw, ofDns) => {
  const fresh = new FreshNames([name]);
  expect([null, 'fw', 'dns'].map(owner => fresh.coversVariable(owner, 'seen'))).toEqual([
    ofRootlet,
    ofFw,
    ofDns,
  ]);
});

test('several names', () => {
  const fresh = new FreshNames(['fw:.bss', 'dns']);
  expect([own, fw, outgoing, bss, other].filter(fresh.covers)).toEqual([bss, other]);
  expect(new FreshNames([]).covers(fw)).toBe(false);
});

test('unknown names are refused, and those that there are named', () => {
  const known = new Set(['rules', 'fw', 'fw:rules']);
  const refusal = (names: readonly string[], there: ReadonlySet<string>): unknown => {
    try {
      new FreshNames(names).require(there, new Set(['counter']));
    } catch (error) {
      if (error instanceof RootletError) return error.problems[0];
      throw error;
    }
    return undefined;
  };
  expect(refusal(['fw', '*', 'fw:rules'], known)).toBeUndefined();
  expect(refusal([], new Set())).toBeUndefined();
  expect(refusal(['*'], new Set())).toBeUndefined();
  expect(refusal(['fw', 'rulez'], known)).toMatchObject({
    code: 'state-fresh',
    class: 'usage',
    message: '--fresh "rulez": there is no such component, map, section or variable',
    hint: 'available: fw, fw:rules, rules, their variables, or * for all',
  });
  expect(refusal(['x'], new Set())).toMatchObject({ hint: 'there is no state' });
});
