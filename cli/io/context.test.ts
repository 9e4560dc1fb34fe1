import { describe, expect, test } from 'vitest';
import { type Context, jsonLine, printJson } from './context.ts';

function printed(value: Record<string, unknown>): string {
  const texts: string[] = [];
  const stream = { write: (text: string) => void texts.push(text) };
  const context: Context = { process: { stdout: stream, stderr: stream } };
  printJson(context, value);
  return texts.join('');
}

describe('numbers of 64 bits in JSON', () => {
  test.each([
    [0n, '0'],
    [-1n, '-1'],
    [9007199254740991n, '9007199254740991'],
    [9007199254740992n, '"9007199254740992"'],
    [9007199254740993n, '"9007199254740993"'],
    [-9007199254740991n, '-9007199254740991'],
    [-9007199254740993n, '"-9007199254740993"'],
    [18446744073709551615n, '"18446744073709551615"'],
  ])('%d is %s', (value, text) => {
    expect(jsonLine({ value })).toBe(`{"schemaVersion":1,"value":${text}}`);
    expect(printed({ value })).toBe(`{\n  "schemaVersion": 1,\n  "value": ${text}\n}\n`);
  });
});
