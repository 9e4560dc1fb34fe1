import { describe, expect, test } from 'vitest';
import { statusTable } from './chain-table.ts';
import { member, onHook } from './testing.ts';

const TITLE = 'CURRENT XDP PROGRAM STATUS:';
const HEADER = 'Interface        Prio  Program name      Mode     ID   Tag               Chain actions';

/** Words of the rows of members, as `grep '=>' | awk` finds them. */
function memberWords(table: string): string[][] {
  return table
    .split('\n')
    .filter(line => line.includes('=>'))
    .map(line => line.trim().split(/\s+/));
}

const dispatcher = { id: 50, name: 'xdp_dispatcher', tag: 'd51e469e988d81da' };
const filter = member('xdp_drop', { loaded: { id: 55, name: 'xdp_drop', tag: '57cd311f2e27366b' } });

describe('the table of xdp-loader', () => {
  test('has its title, header, rule and rows without programs', () => {
    const chains = [onHook({ interface: 'lo' }), onHook({ interface: 'eth0' })];
    expect(statusTable('xdp', chains)).toBe(
      [
        TITLE,
        '',
        HEADER,
        '-'.repeat(86),
        'lo                     <No XDP program loaded!>',
        'eth0                   <No XDP program loaded!>',
        '',
        '',
      ].join('\n'),
    );
  });

  test('a program that is not a chain is a row of its own', () => {
    const plain = onHook({ kind: 'foreign', mode: 'generic', program: { ...dispatcher, name: 'xdp_prog1' } });
    expect(statusTable('xdp', [plain]).split('\n')[4]).toBe(
      'v0                     xdp_prog1         skb      50   d51e469e988d81da',
    );
  });

  test('columns of a dispatcher and its members begin where those of xdp-loader begin', () => {
    const chain = onHook({
      kind: 'chain',
      via: 'libxdp',
      version: 2,
      program: dispatcher,
      members: [filter],
    });
    const [head = '', , first = '', second = ''] = statusTable('xdp', [chain]).split('\n').slice(2);
    expect(head.startsWith(HEADER)).toBe(true);
    expect(first.slice(0, 78).trimEnd()).toBe(
      'v0                     xdp_dispatcher    native   50   d51e469e988d81da',
    );
    expect(second.slice(0, 81).trimEnd()).toBe(
      ' =>              50     xdp_drop                  55   57cd311f2e27366b  XDP_PASS',
    );
    expect(first.slice(78).trim()).toBe('libxdp chain, protocol version 2, entry xdp-v0');
  });

  test('the fourth word of a member is its id, or - in a linked program', () => {
    const members = [filter, member('count', { priority: 60, continueOn: [2, 3] })];
    const table = statusTable('xdp', [onHook({ kind: 'chain', program: dispatcher, members })]);
    expect(memberWords(table).map(words => words.slice(0, 6))).toEqual([
      ['=>', '50', 'xdp_drop', '55', '57cd311f2e27366b', 'XDP_PASS'],
      ['=>', '60', 'count', '-', '-', 'XDP_PASS,XDP_TX'],
    ]);
  });

  test('a program is named in its own row only, so that scripts that look for it find one row', () => {
    const members = [filter, member('count', { program: 'xdp_count' })];
    const table = statusTable('xdp', [onHook({ kind: 'chain', program: dispatcher, members })]);
    expect(table.split('\n').filter(line => line.includes('xdp_count'))).toHaveLength(1);
    expect(table.split('\n').filter(line => line.includes('v0'))).toHaveLength(1);
  });
});

test('what xdp-loader does not have is to the right', () => {
  const members = [
    member('firewall', { priority: 10, file: '/etc/fw/firewall.bpf.o' }),
    member('count', { file: null, lost: 'its link is gone' }),
  ];
  const chain = onHook({ kind: 'chain', program: dispatcher, members, failClosed: true });
  const rows = statusTable('xdp', [chain]).split('\n').slice(4, -2);
  // columns of xdp-loader take 72 characters
  expect(rows.map(row => row.slice(72).trim())).toEqual([
    'static chain, entry xdp-v0, fails closed',
    'XDP_PASS       firewall  runs 1st: priority 10, lower runs first                            /etc/fw/firewall.bpf.o',
    'XDP_PASS       count     does not run: its link is gone; packets that reach it are dropped  (loaded by another tool)',
  ]);
});

test('hooks of TC have their direction, and one line where nothing runs', () => {
  const members = [member('count', { continueOn: [-1], program: 'tc_count' })];
  const ingress = { kind: 'tc', direction: 'ingress' } as const;
  const egress = { kind: 'tc', direction: 'egress' } as const;
  const chains = [
    onHook({ hook: { ...ingress, interface: 'lo', ifindex: 1 } }),
    onHook({ hook: { ...egress, interface: 'lo', ifindex: 1 } }),
    onHook({ hook: { ...ingress, ifindex: 2 } }),
    onHook({ hook: { ...egress, ifindex: 2 }, kind: 'chain', via: 'tcx', members, entry: null }),
  ];
  const rows = statusTable('tc', chains).split('\n').slice(4, -2);
  expect(rows.map(row => row.split(/\s+/).slice(0, 7).join(' '))).toEqual([
    'lo <No TC program loaded!>',
    'v0 - egress - - tcx chain',
    ' => 50 tc_count - - TC_ACT_UNSPEC',
  ]);
});

test('names from outside cannot drive the terminal or make rows', () => {
  const members = [member('a', { program: '\u001b[2J', file: 'x\n => 1 fake 7' })];
  const table = statusTable('xdp', [onHook({ kind: 'chain', members })]);
  expect(table).not.toContain('\u001b');
  expect(memberWords(table)).toHaveLength(1);
});
