import { describe, expect, test } from 'vitest';
import { directionOf, parseId, parseMode, parsePriority, parseVerdicts } from './chain.ts';

describe('values of options', () => {
  test.each([
    ['native', 'native'],
    ['skb', 'generic'],
    ['HW', 'offload'],
    ['unspecified', 'unspecified'],
    ['generic', 'generic'],
  ])('mode %s is %s', (word, mode) => {
    expect(parseMode(word)).toBe(mode);
  });

  test.each(['', 'drv', 'natve'])('mode %j is refused', word => {
    expect(() => parseMode(word)).toThrow(/is not a mode; there are: "native", "skb", "hw", "unspecified"/);
  });

  test.each([
    ['0', 0],
    ['10', 10],
    ['2147483647', 2147483647],
  ])('priority %s', (word, value) => {
    expect(parsePriority(word)).toBe(value);
  });

  test.each(['', '-1', '1.5', '2147483648', '0x10', 'ten', '1e3'])('priority %j is refused', word => {
    expect(() => parsePriority(word)).toThrow(/is not a whole number from 0 to 2147483647/);
  });

  test.each([
    ['', null],
    [',', null],
    ['XDP_PASS,tx', ['XDP_PASS', 'tx']],
    ['pass, tx', ['pass', 'tx']],
    ['none', []],
    ['None', []],
    ['none,pass', ['none', 'pass']],
  ])('verdicts %j', (list, verdicts) => {
    expect(parseVerdicts(list).words).toEqual(verdicts);
  });

  test.each(['0', '-1', 'x', '', '4294967296'])('id %j is refused', word => {
    expect(() => parseId(word)).toThrow(/is not the id of a program/);
  });

  test('an id', () => expect(parseId('229104')).toBe(229104));
});

test.each([
  ['xdp', false, false, null],
  ['tc', false, false, 'ingress'],
  ['tc', true, false, 'ingress'],
  ['tc', false, true, 'egress'],
] as const)('%s, --ingress %s, --egress %s: %s', (kind, ingress, egress, direction) => {
  expect(directionOf(kind, { ingress, egress })).toBe(direction);
});

test('a chain has one direction', () => {
  expect(() => directionOf('tc', { ingress: true, egress: true })).toThrow(
    expect.objectContaining({ code: 'attach-direction' }),
  );
});
