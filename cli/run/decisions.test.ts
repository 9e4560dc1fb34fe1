import { expect, test } from 'vitest';
import { Decisions, deciderText } from './decisions.ts';

const DROP = 1;
const PASS = 2;

function decisionsOf(components: readonly string[], packets: readonly (readonly [number, string | null])[]) {
  let last: string | null = null;
  const decisions = new Decisions({ kind: 'xdp', components, decidedBy: () => last });
  const each = packets.map(([verdict, component]) => {
    last = component;
    return decisions.add(verdict);
  });
  return { decisions, each };
}

test('packets are counted by component and verdict, in the order of components and verdicts', () => {
  const { decisions, each } = decisionsOf(
    ['a.c', 'b.c', 'c.c'],
    [
      [PASS, 'b.c'],
      [DROP, 'a.c'],
      [PASS, 'b.c'],
      [DROP, 'b.c'],
      [PASS, null],
    ],
  );
  expect(each.map(({ decidedBy }) => decidedBy)).toEqual(['b.c', 'a.c', 'b.c', 'b.c', null]);
  expect(decisions.rows()).toEqual([
    ['decided by', 'verdict', 'packets'],
    ['a.c', 'DROP', '1'],
    ['b.c', 'DROP', '1'],
    ['b.c', 'PASS', '2'],
    ['c.c', '-', '0'],
    [deciderText(null), 'PASS', '1'],
  ]);
  expect(decisions.json()).toEqual({
    components: [
      { name: 'a.c', counts: { DROP: 1 } },
      { name: 'b.c', counts: { DROP: 1, PASS: 2 } },
      { name: 'c.c', counts: {} },
      { name: null, counts: { PASS: 1 } },
    ],
  });
});

test.each([[[]], [['a.c']]])('of components %j nothing is counted', components => {
  const { decisions, each } = decisionsOf(components, [[PASS, 'a.c']]);
  expect([each, decisions.rows(), decisions.json()]).toEqual([[{}], [], {}]);
});
