import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { problem } from '../../src/diag/problem.ts';
import { schemaErrors } from '../../test/support/json-schema.ts';
import { chainJson, statusJson } from './chain-json.ts';
import { member, onHook } from './testing.ts';

const schema = JSON.parse(readFileSync('docs/schema/chain-status.schema.json', 'utf8'));

/** As the command prints it. */
function printed(document: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify({ schemaVersion: 1, ok: true, ...document }));
}

const program = { id: 7, name: 'xdp_dispatcher', tag: '0123456789abcdef' };
const settings = { globals: new Map<string, unknown>([['limit', 5]]), maxEntries: new Map([['flows', 64]]) };
const chains = [
  onHook(),
  onHook({ kind: 'foreign', program, mode: 'offload' }),
  onHook({
    kind: 'chain',
    via: 'libxdp',
    version: 2,
    program,
    failClosed: true,
    members: [
      member('firewall', { priority: 10, loaded: program, settings }),
      member('count', { file: null, lost: 'its link is gone', continueOn: [2, 9] }),
    ],
    problems: [problem('hook-changed', ['v0'], 'another program runs', { hint: 'look at it' })],
  }),
  onHook({ hook: { kind: 'tc', direction: 'egress' }, kind: 'chain', via: 'tcx', mode: null, entry: null }),
];

test('the document of status is what its schema describes', () => {
  expect(schemaErrors(printed(statusJson(chains)), schema)).toEqual([]);
  const failure = { schemaVersion: 1, ok: false, problems: [problem('store-no-bpffs', [], 'no')] };
  expect(schemaErrors(failure, schema)).toEqual([]);
});

test('the schema describes all of it', () => {
  const document = printed({ chains: chains.map(chain => ({ ...chainJson(chain), more: 1 })) });
  expect(schemaErrors(document, schema)).toContain('$.chains[0].more is not known');
  const without = printed({
    chains: chains.map(chain => ({ ...chainJson(chain), mode: 'skb', entry: undefined })),
  });
  expect(schemaErrors(without, schema)).toEqual(
    expect.arrayContaining([
      '$.chains[1] has no entry',
      '$.chains[0].mode is not one of ["native","generic","offload",null]',
    ]),
  );
});

test('members have their place, words of verdicts, and settings as fields', () => {
  const { members } = chainJson(
    onHook({ kind: 'chain', members: [member('a', { settings, continueOn: [2, 3, 9] })] }),
  );
  expect(members).toEqual([
    {
      name: 'a',
      program: 'a',
      file: 'a.bpf.o',
      position: 1,
      priority: 50,
      order: 'runs 1st: priority 50, lower runs first',
      continueOn: ['pass', 'tx', '9'],
      loaded: null,
      settings: [
        { variable: 'limit', value: 5 },
        { map: 'flows', maxEntries: 64 },
      ],
      lost: null,
    },
  ]);
});
