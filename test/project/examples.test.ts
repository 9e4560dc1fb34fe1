/** The examples of `examples/api/`: one for each entry point, which runs and prints what it says it prints. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { missing } from '../support/needs.ts';

const DIRECTORY = 'examples/api';
const files = readdirSync(DIRECTORY).filter(name => name.endsWith('.js'));
/** Words after the file: the interface that is there in a network namespace of its own. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = { 'chain.js': ['lo'], 'hooks.js': ['lo'] };
/** A bpf file system and a network of its own: nothing that an example makes is seen outside. */
const APART = [
  '--mount',
  '--net',
  'sh',
  '-c',
  'mount -t bpf -o mode=0700 bpf /sys/fs/bpf && exec "$@"',
  'sh',
];

function expectedOf(code: string): string[] {
  return code.split('\n').flatMap(line => {
    const text = /^ *\/\/> (.*)$/.exec(line)?.[1];
    return text === undefined ? [] : [text];
  });
}

describe('examples/api', () => {
  test('has one for each entry point, and the build that they import is there', () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
    const entries = Object.keys(exports)
      .filter(key => key !== './package.json' && key !== './uapi')
      .map(key => (key === '.' ? 'rootlet.js' : `${key.slice('./'.length)}.js`));
    expect(files.sort()).toEqual(entries.sort());
    expect(existsSync('dist/lib/link.js'), 'npm run build').toBe(true);
  });

  const noKernel = missing('root', 'bpf');
  test.for(files)('%s', (name, { skip }) => {
    const path = `${DIRECTORY}/${name}`;
    const code = readFileSync(path, 'utf8');
    const needsRoot = /Needs Linux.*\broot\b/.test(code);
    if (needsRoot && noKernel !== undefined) skip(noKernel);
    const command = [process.execPath, path, ...(ARGUMENTS[name] ?? [])];
    const [program = '', ...words] = needsRoot ? ['unshare', ...APART, ...command] : command;
    const result = spawnSync(program, words, { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(result.stdout.trimEnd().split('\n')).toEqual(expectedOf(code));
  });
});
