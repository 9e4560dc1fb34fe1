/** Names in exported documents: the same when they are read, and nothing that a terminal obeys or hides. */

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { printable } from '../../diag/printable.ts';
import { InputObject } from '../../object/read/input.ts';
import type { ChainState } from '../model/chain.ts';
import type { DesignMember } from '../model/design.ts';
import { exportChain } from './export.ts';

const state: Omit<ChainState, 'hook'> = {
  kind: 'chain',
  via: 'static',
  version: null,
  mode: 'native',
  program: null,
  members: [],
  failClosed: false,
  entry: null,
  problems: [],
};

const member = (name: string, file: boolean): DesignMember => ({
  name,
  file: file ? new InputObject({ name: 'a.o', bytes: new Uint8Array(0) }) : null,
  program: 'prog',
  priority: 50,
  continueOn: [2],
  given: { priority: false, continueOn: false },
  settings: { globals: new Map([[name, name]]), maxEntries: new Map() },
  loaded: null,
  adopted: null,
});

test.each([
  ['plain', 'v0'],
  ['a colour', 'v\u001b[1m'],
  ['C1', 'v\u009b1m'],
  ['a direction', 'v\u202e'],
  ['a tag', 'v\u{e0041}'],
  ['a line', 'v\nhook: tc'],
  ['quotes and escapes', 'v"\'\\u202e\u202e'],
  ['a comment', 'v # \u202e'],
  ['a lone surrogate', 'v\udc80'],
])('%s', (_, name) => {
  const hook = { kind: 'xdp', direction: null, interface: name, ifindex: 2, netns: 'net:[1]' } as const;
  const design = { members: [member(name, true), member(name, false)], failClosed: false };
  const { text, document } = exportChain({ ...state, hook }, design, () => `${name}.o`);
  expect(printable(text)).toBe(text);
  expect(parse(text)).toEqual(document);
  expect(parse(text)).toMatchObject({
    interface: name,
    members: [{ file: `${name}.o`, set: { [name]: name } }],
  });
});
