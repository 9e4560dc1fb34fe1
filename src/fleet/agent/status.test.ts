/** States of hosts by problem, what an agent keeps, and labels. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { ProblemCode } from '../../diag/codes.ts';
import { problem } from '../../diag/problem.ts';
import { noMatch } from '../desired/documents.ts';
import { parseLabels, selects } from '../desired/selector.ts';
import { MemoryFile } from './memory.ts';
import { type HostState, type HostStatus, readStatus, reportedAll, stateOf, writeStatus } from './status.ts';

const directory = mkdtempSync(join(tmpdir(), 'rootlet-memory-'));
afterAll(() => rmSync(directory, { recursive: true }));

const STATES: readonly (readonly [ProblemCode, HostState])[] = [
  ['oci-registry', 'registry-away'],
  ['oci-digest', 'digest-mismatch'],
  ['oci-signature', 'unsigned'],
  ['kernel-verifier-refused', 'verifier-refused'],
  ['fleet-sample', 'sample-refused'],
  ['fleet-older', 'older'],
  ['chain-document-value', 'invalid-document'],
  ['elf-string-budget', 'invalid-document'],
  ['kernel-no-interface', 'unsupported'],
  ['load-kernel-too-old', 'unsupported'],
  ['chain-apply-incomplete', 'failed'],
];

test.each(STATES)('%s is %s', (code, state) => {
  expect(stateOf(problem(code, [], 'x'))).toBe(state);
});

test('a report is read as it was written, and bounded', () => {
  const long = 'x'.repeat(100_000);
  const many = Array.from({ length: 50 }, () => problem('oci-registry', [long], long, { hint: long }));
  const status: HostStatus = {
    ...{ host: 'a', state: 'registry-away', revision: 1, content: 'c', attempted: 2 },
    ...{ labels: new Map([['role', 'edge']]), problems: reportedAll(many), hooks: [], rates: [] },
    ...{ kernel: '6.1', applied: 3, time: 4 },
  };
  const text = writeStatus(status);
  expect(text.length).toBeLessThan(64 << 10);
  expect(readStatus('k', text)).toEqual(status);
  expect(() => readStatus('k', text.replace('registry-away', 'other'))).toThrow(
    expect.objectContaining({ code: 'fleet-record' }),
  );
});

test('what an agent keeps; a damaged file is not taken for a new host', () => {
  const file = new MemoryFile(directory);
  const first = file.read();
  expect(first).toMatchObject({ seen: 0, good: null });
  const revision = { revision: 7, document: '', content: `sha256:${'0'.repeat(64)}`, objects: [] };
  const good = { ...revision, author: '', message: '', time: 1, rollbackOf: null };
  file.write({ ...first, seen: 8, good });
  expect(new MemoryFile(directory).read()).toEqual({ ...first, seen: 8, good });
  const path = join(directory, 'agent.json');
  const text = readFileSync(path, 'utf8');
  for (const damaged of ['', text.slice(0, -5), text.replace('"seen":8', '"seen":-8')]) {
    writeFileSync(path, damaged);
    expect(() => file.read()).toThrow(expect.objectContaining({ code: 'fleet-state' }));
  }
});

test('labels', () => {
  const labels = parseLabels(['role=edge', 'zone=a']);
  expect(selects(undefined, labels)).toBe(true);
  const of = (name: string, ...values: readonly string[]) => selects(new Map([[name, values]]), labels);
  expect([of('role', 'edge'), of('role', 'core', 'edge'), of('role', '*'), of('name', '!*')]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect([of('role', 'core'), of('role', '!edge'), of('role', '!*'), of('name', '*')]).toEqual([
    false,
    false,
    false,
    false,
  ]);
  for (const words of [['role'], ['=x'], ['a=b', 'a=c'], ['a=b c'], ['a='], [`${'a'.repeat(99)}=b`]])
    expect(() => parseLabels(words)).toThrow(expect.objectContaining({ code: 'fleet-label' }));
  expect(noMatch(3, labels)).toMatchObject({
    code: 'fleet-no-match',
    details: ['its labels: role=edge, zone=a'],
  });
});
