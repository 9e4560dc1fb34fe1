/** The example of docs/dynamic.md runs and prints the output that is shown. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { needs } from '../../support/needs.ts';

const blocks = [...readFileSync('docs/dynamic.md', 'utf8').matchAll(/^```js\n([\s\S]*?)^```$/gm)];

needs('bpf', 'root').test('docs/dynamic.md', () => {
  expect(existsSync('dist/lib/dynamic.js'), 'npm run build').toBe(true);
  expect(blocks.length).toBeGreaterThan(0);
  for (const [, code = ''] of blocks) {
    const expected = code.split('\n').flatMap(line => (line.startsWith('//> ') ? [line.slice(4)] : []));
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(result.stdout.trimEnd().split('\n')).toEqual(expected);
  }
});
