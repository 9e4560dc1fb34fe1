import { expect, test } from 'vitest';
import { chainWords } from './chain-words.ts';

const COMMANDS = ['load', 'unload', 'replace', 'order', 'status', 'clean', 'features', 'trace'];

test.each([
  ['l eth0 f.o', 'load eth0 f.o'],
  ['stat', 'status'],
  ['u eth0 -a', 'unload eth0 -a'],
  ['loads', 'loads'],
  ['load -P10 -mskb eth0 -Apass,tx f.o', 'load -P 10 -m skb eth0 -A pass,tx f.o'],
  ['load -vvP 10 eth0 -v f.o', 'load -v -P 10 eth0 f.o'],
  ['unload -i7 eth0', 'unload -i 7 eth0'],
  ['load --actions=XDP_TX --prog-name p e f', 'load --on=XDP_TX --prog p e f'],
  ['load --actions XDP_TX --set a=b=c e f', 'load --on XDP_TX --set a=b=c e f'],
  ['load -- -P10 -vv', 'load -- -P10 -vv'],
  ['help', '--help'],
  ['help l', 'load --help'],
  ['--help', '--help'],
  ['load - eth0 -1', 'load - eth0 -1'],
])('%j is %j', (given, expected) => {
  expect(chainWords(given.split(' '), COMMANDS).join(' ')).toBe(expected);
});

test('a prefix of two commands is not one, a whole command is', () => {
  expect(chainWords(['s'], ['status', 'stats'])).toEqual(['s']);
  expect(chainWords(['stat'], ['stat', 'status'])).toEqual(['stat']);
});

test('no words stay none', () => {
  expect(chainWords([], COMMANDS)).toEqual([]);
});

test('an empty value stays a word', () => {
  expect(chainWords(['load', '-A', '', 'e', 'f'], COMMANDS)).toEqual(['load', '-A', '', 'e', 'f']);
});
