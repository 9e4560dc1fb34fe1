import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../main.ts';

const OBJECT = path.join(import.meta.dirname, '../../src/load/testdata/obj/el/typed.bpf.o');
const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-types-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function run(...words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const sink = (name: 'out' | 'err') => ({
    write(text: string) {
      texts[name] += text;
    },
  });
  await main(words, { stdout: sink('out'), stderr: sink('err') });
  const code = Number(process.exitCode ?? 0);
  process.exitCode = 0;
  return { code, ...texts };
}

describe('rootlet types', () => {
  test('prints declarations, and what it does not know', async () => {
    const { code, out, err } = await run('types', OBJECT);
    expect(code).toBe(0);
    expect(out).toContain('export interface Types {');
    expect(err).toBe(
      'rootlet: note: the type of records of map "plain" is not known: --record gives it, or __type(value, …)\n',
    );
  });

  test('writes them, with types of records that are given', async () => {
    const file = path.join(directory, 'typed.d.ts');
    expect(await run('types', OBJECT, '-o', file, '--record', 'plain=struct flow')).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    expect(readFileSync(file, 'utf8')).toMatch(
      /readonly plain: \{\s+readonly key: never;\s+readonly value: c.flow;/,
    );
  });

  test('as JSON', async () => {
    const { out } = await run('types', OBJECT, '--json');
    expect(JSON.parse(out)).toEqual({
      schemaVersion: 1,
      ok: true,
      output: null,
      declarations: expect.stringContaining('export interface Types {'),
      notes: [expect.stringContaining('"plain"')],
    });
  });

  test.for([
    [['--record', 'plain'], 'usage-pair'],
    [['--record', 'other=struct flow'], 'load-no-map'],
    [['--record', 'plain=struct flaw'], 'value-no-type'],
    [['-o', OBJECT], 'usage-same-output'],
  ] as const)('%s is refused', async ([words, code]) => {
    const { out } = await run('types', OBJECT, '--json', ...words);
    expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ code }] });
  });
});
