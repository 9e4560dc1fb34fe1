import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { asLines, joinBlocks, joinLines, jsonLines, line, marked, problemLines } from './lines.ts';
import {
  oneLine,
  printable,
  printableJson,
  printableName,
  printableYaml,
  quote,
  shellWord,
} from './printable.ts';
import { problem } from './problem.ts';

const UTF8 = { LC_ALL: 'C.UTF-8' };

describe('what a terminal obeys or hides is made visible', () => {
  test.each([
    ['a\u001b[31mb', 'a\\x1b[31mb'],
    ['\u0000\u0007\r\u007f', '\\x00\\x07\\x0d\\x7f'],
    ['\u0080\u009b\u009f', '\\x80\\x9b\\x9f'],
    ['\u00ad\u034f\u061c', '\\xad\\u034f\\u061c'],
    ['\u200b\u200f\u2028\u202e', '\\u200b\\u200f\\u2028\\u202e'],
    ['\u2060\u2066\u2069\ufeff\ufffb', '\\u2060\\u2066\\u2069\\ufeff\\ufffb'],
    ['\u3164\ufe0f', '\\u3164\\ufe0f'],
    ['\u{e0001}\u{e007f}', '\\u{e0001}\\u{e007f}'],
    ['\ud800', '\\ud800'],
    ['tab\tand\nline', 'tab\tand\nline'],
    ['größe → 漢字 🐝 ~', 'größe → 漢字 🐝 ~'],
  ])('%j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('every character is a control or format character, or stays', () => {
    const stays = Array.from({ length: 0x11000 }, (_, code) => String.fromCodePoint(code)).filter(
      one => printable(one) === one,
    );
    expect(stays.filter(one => /[\p{Cc}\p{Cf}\p{Cs}]/u.test(one))).toEqual(['\t', '\n']);
  });
});

test('names are on one line', () => {
  expect(oneLine('a\nb\tc')).toBe('a\\nb\tc');
  expect(printableName('a\nb\tc')).toBe('a\\nb\\tc');
  expect(quote('a\nb\tc\u009d')).toBe('"a\\nb\\tc\\x9d"');
});

test('JSON stays the same document', () => {
  const value = { 'a\u009b\u202e': ['\u{e0041}\u007f\ud800', '\u001b\n→'] };
  const text = printableJson(JSON.stringify(value, null, 2));
  expect(text).toMatch(/^[\n\x20-\x7e→]*$/);
  expect(JSON.parse(text)).toEqual(value);
  expect(jsonLines(text)).toBe(text);
});

test('YAML has escapes in double quotes', () => {
  const value = 'a\u001b\u009b\u202e\u{e0041}\u007f → "b"\n';
  const text = printableYaml(JSON.stringify(value));
  expect(text).toBe('"a\\u001b\\u009b\\u202e\\U000e0041\\u007f → \\"b\\"\\n"');
  expect(parse(text)).toBe(value);
});

test('names are one word of a command', () => {
  const words = {
    'v0.1-a/b': 'v0.1-a/b',
    '': "''",
    'a b; rm -rf $HOME': "'a b; rm -rf $HOME'",
    "it's `x`": "'it'\\''s `x`'",
    'a\nb\t\u001b\u202e\u{e0041}': "$'a\\nb\\t\\u001b\\u202e\\U000e0041'",
    "\u007f\\'$(x)": "$'\\u007f\\\\\\'$(x)'",
  };
  for (const [name, word] of Object.entries(words)) {
    expect(shellWord(name)).toBe(word);
    expect(execFileSync('bash', ['--norc', '-c', `printf %s ${word}`], { encoding: 'utf8', env: UTF8 })).toBe(
      name,
    );
  }
});

test('lines are those that the program makes', () => {
  expect(joinLines(['a\nb', '\u001bc'])).toBe('a\\nb\n\\x1bc');
  expect(line('a\nb')).toBe('a\\nb');
  expect(joinBlocks([line('a'), line('b\n')])).toBe('a\nb\\n');
  expect(joinBlocks([line('a'), line('b')], 1)).toBe('a\n\nb');
  expect(asLines('a\nb\u001b')).toBe('a\nb\\x1b');
  expect(marked('*', null, 'a\nb')).toBe('  * a\\nb');
  expect(marked('*', 32, '\u001b')).toBe('  \u001b[32m*\u001b[0m \\x1b');
});

test('a problem makes no line of its own but for its details and hint', () => {
  const extras = { details: ['d\ne'], hint: 'h\ni' };
  const found = problem('elf-name', ['file\n.o'], 'm\nn', extras);
  expect(problemLines(found, 'rootlet: ')).toBe('rootlet: file\\n.o: m\\nn\n  d\\ne\n  hint: h\\ni');
});
