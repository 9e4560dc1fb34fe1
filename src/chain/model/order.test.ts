/** The order of libxdp, key by key. */

import { expect, test } from 'vitest';
import { inRunOrder, type OrderKey } from './order.ts';

const fresh = (program: string, priority = 50, instructions = 10): OrderKey => {
  return { program, priority, loaded: null, instructions };
};
const loaded = (program: string, tag = '00', loadTime = 1n, priority = 50): OrderKey => {
  return { program, priority, loaded: { tag, loadTime }, instructions: 0 };
};

/** Whatever the order in which they are given. */
function expectOrder(...members: readonly OrderKey[]): void {
  for (let turn = 0; turn < members.length; turn++) {
    const turned = [...members.slice(turn), ...members.slice(0, turn)];
    expect(inRunOrder(turned, key => key)).toEqual(members);
    expect(inRunOrder([...turned].reverse(), key => key)).toEqual(members);
  }
}

test('lower priorities first, as unsigned numbers', () => {
  expectOrder(fresh('z', 0), fresh('y', 10), fresh('x', 50), fresh('a', 0xffffffff));
});

test('equal priorities by the bytes of the name', () => {
  expectOrder(fresh('B'), fresh('_'), fresh('a'), fresh('a1'), fresh('a_'), fresh('aa'), fresh('b'));
  // by UTF-16 units the second would be first
  expectOrder(fresh('\uff01'), fresh('\u{10400}'));
});

test('loaded ones before those that are not, smaller before larger ones', () => {
  expectOrder(loaded('a', 'ff'), fresh('a', 50, 3), fresh('a', 50, 4));
});

test('loaded ones by tag, then by age', () => {
  expectOrder(loaded('a', '0f', 9n), loaded('a', 'a0', 1n), loaded('a', 'a0', 2n), loaded('a', 'f0', 0n));
});

test('what nothing distinguishes stays as it is given', () => {
  const [first, second] = [{ name: 'first' }, { name: 'second' }];
  expect(inRunOrder([second, first], () => fresh('a'))).toEqual([second, first]);
});
