/** Which modules of a command are read only when they are needed, and what may not be called across. */

import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { shippedFiles } from '../support/shipped-files.ts';

const PARTS = fileURLToPath(new URL('../../scripts/parts.js', import.meta.url));

interface Parts {
  readonly NEEDED_SELDOM: Readonly<Record<string, { without: readonly string[]; but?: readonly string[] }>>;
  isSeldom(command: string, file?: string): boolean;
  partKeys(text: string): readonly string[];
}
let parts: Parts;

beforeAll(async () => {
  parts = (await import(PARTS)) as Parts;
});

test('every line of the lists is the start of a path', () => {
  const files = shippedFiles().map(({ path }) => path.replace(/\.ts$/, '.js'));
  const listed = Object.values(parts.NEEDED_SELDOM).flatMap(({ without, but = [] }) => [...without, ...but]);
  expect(listed.length).toBeGreaterThan(0);
  expect(listed.filter(line => !files.some(file => file.startsWith(line)))).toEqual([]);
});

test('a file is in one of the two scripts', () => {
  expect(parts.isSeldom('link')).toBe(true);
  expect(parts.isSeldom('ps')).toBe(false);
  expect(parts.isSeldom('link', 'src/link/optimize/optimize.js')).toBe(true);
  expect(parts.isSeldom('link', 'src/link/optimize/arguments.js')).toBe(false);
  expect(parts.isSeldom('link', 'src/link/link.js')).toBe(false);
});

test('calls across are found wherever the bundler breaks a line', () => {
  const text = 'a=bundle.\nreadPart("x.js:f")(1);b=bundle.readPart(\n"x.js:lon\\\ng")';
  expect(parts.partKeys(text)).toEqual(['x.js:f', 'x.js:long']);
  expect(() => parts.partKeys('readPart(key)')).toThrow('another way');
});

test('values are not taken across', () => {
  expect(() => parts.partKeys('new (valueOfPart("x.js:Class"))')).toThrow('not only functions: x.js:Class');
});
