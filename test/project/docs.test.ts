/** Every example of docs/library.md runs and prints the output that is shown. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { missing } from '../support/needs.ts';

const text = readFileSync('docs/library.md', 'utf8');

/** Code blocks with the heading that they are under. */
function examples(): { title: string; code: string }[] {
  const found: { title: string; code: string }[] = [];
  let title = '';
  for (const match of text.matchAll(/^## (.*)$|^```js\n([\s\S]*?)^```$/gm)) {
    if (match[1] !== undefined) title = match[1];
    else found.push({ title, code: match[2] ?? '' });
  }
  return found;
}

describe('docs/library.md', () => {
  test('has examples, and the build that they import is there', () => {
    expect(examples().length).toBeGreaterThanOrEqual(4);
    expect(existsSync('dist/lib/link.js'), 'npm run build').toBe(true);
  });

  const noKernel = missing('root', 'bpf');
  test.for(examples())('$title', ({ code }, { skip }) => {
    if (noKernel !== undefined && code.includes('rootlet/load')) skip(noKernel);
    const expected = code
      .split('\n')
      .flatMap(line => (line.startsWith('//> ') ? [line.slice('//> '.length)] : []));
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(result.stdout.trimEnd().split('\n')).toEqual(expected);
  });
});
