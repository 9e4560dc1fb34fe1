/** The published schema is the one of the table; `UPDATE_SCHEMA=1` writes it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { documentSchema } from './format.ts';

const FILE = fileURLToPath(new URL('../../../docs/schema/chain.schema.json', import.meta.url));

test('docs/schema/chain.schema.json is the schema of the table', () => {
  const text = `${JSON.stringify(documentSchema(), null, 2)}\n`;
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});

test('every key has a description, and no other keys are allowed', () => {
  const objects: Record<string, unknown>[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const entries = Object.entries(value);
    if (entries.some(([key, one]) => key === 'type' && one === 'object'))
      objects.push(Object.fromEntries(entries));
    for (const [, one] of entries) visit(one);
  };
  visit(documentSchema());
  const records = objects.filter(one => one['properties'] !== undefined);
  expect(records).toHaveLength(4);
  for (const { properties, additionalProperties } of records) {
    expect(additionalProperties).toBe(false);
    for (const one of Object.values(properties ?? {}))
      expect(one).toMatchObject({ description: expect.stringMatching(/\.$/) });
  }
});
