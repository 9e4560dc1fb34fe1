import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadCatalog } from '../main.ts';
import { type Completion, complete, type ValueQuery } from './complete.ts';
import { SCRIPTS, SHELLS } from './shells.ts';
import { valuesOf } from './values.ts';

const catalog = await loadCatalog();
const asked: ValueQuery[] = [];

/** Records what is asked for. */
function values(query: ValueQuery): Completion {
  asked.push(query);
  return { candidates: [{ word: 'value', text: '' }], paths: 'files' };
}

function words(...line: readonly string[]): string[] {
  return complete(line, catalog, values).candidates.map(({ word }) => word);
}

/** What is asked about the last word of a line. */
function query(...line: readonly string[]): ValueQuery | undefined {
  asked.length = 0;
  complete(line, catalog, values);
  expect(asked.length).toBeLessThanOrEqual(1);
  return asked[0];
}

describe('what comes next at the cursor', () => {
  test.each([
    [['l'], ['link', 'load']],
    [['xdp', 'un'], ['unload']],
    [['help', 'xdp', 'st'], ['status']],
    [['help', 'li'], ['link']],
    [['help', 'link', ''], []],
    [['link', '--gc'], ['--gc-sections']],
    [['relink', '--no-g'], ['--no-gc-sections']],
    [
      ['link', 'a.o', '--fold'],
      ['--fold-identical', '--fold-text'],
    ],
    [
      ['attach', '--via', ''],
      ['ext', 'tail', 'copy'],
    ],
    [['attach', '--via', 't'], ['tail']],
    [['attach', '--via=c'], ['--via=copy']],
    [['nonsense', ''], []],
    [['doctor', ''], []],
    [['xdp', 'nonsense', ''], []],
    [['link', '--nonsense=x'], []],
  ])('%j: %j', (line, expected) => {
    expect(words(...line)).toEqual(expected);
  });

  test('values are asked for with what is known of them', () => {
    expect(query('link', '-o', 'out')).toEqual({
      command: 'link',
      option: 'output',
      placeholder: 'OUT',
      given: [],
      start: 'out',
    });
    expect(query('attach', '--name', 'x', 'xdp', 'et')).toEqual({
      command: 'attach',
      placeholder: 'TARGET',
      given: ['xdp'],
      start: 'et',
    });
    expect(query('xdp', 'load', 'eth0', 'a.o', 'b')).toMatchObject({
      placeholder: 'FILE',
      given: ['eth0', 'a.o'],
    });
    expect(query('link', '--', '-')).toMatchObject({ placeholder: 'IN', start: '-' });
    expect(query('attach', 'xdp', 'eth0', 'a.o', '')).toBeUndefined();
  });

  test('every value of an option is asked for', () => {
    for (const entry of catalog) {
      if (entry.kind !== 'command') continue;
      const options = entry.page.sections.flatMap(section => section.options);
      for (const { long, value, words: fixed } of options) {
        if (value === undefined || fixed !== undefined) continue;
        expect(query(entry.name, `--${long}`, ''), `${entry.name} --${long}`).toMatchObject({
          placeholder: value,
        });
      }
    }
  });
});

describe('values', () => {
  const source = valuesOf({ process: { env: { ROOTLET_BPFFS: '/nonexistent' } } as never });
  const FILE = 'examples/obj/el/first_firewall.bpf.o';
  const ask = (...line: readonly string[]) => {
    const { candidates, paths } = complete(line, catalog, source);
    return { words: candidates.map(({ word }) => word), paths };
  };

  test.each([
    [['attach', 'xdp', 'l'], ['lo'], 'none'],
    [['attach', 'xd'], ['xdp'], 'none'],
    [['attach', 'kprobe', ''], [], 'files'],
    [['attach', 'xdp', 'lo', `${FILE}:`], [`${FILE}:xdp_prog1`], 'none'],
    [['attach', 'xdp', 'lo', 'examp'], [], 'files'],
    [['attach', 'xdp', 'lo', '/nonexistent:'], [], 'none'],
    [['run', FILE, '--prog-name', ''], ['xdp_prog1'], 'none'],
    [['relink', 'examples/obj/el/rootlet.bpf.o', 'dummy'], ['dummy1=', 'dummy2='], 'files'],
    [['relink', 'examples/obj/el/rootlet.bpf.o', `dummy1=${FILE}:x`], [`dummy1=${FILE}:xdp_prog1`], 'none'],
    [['relink', 'examples/obj/el/rootlet.bpf.o', 'dummy1=ex'], [], 'files'],
    [['load', '--bpffs', ''], [], 'directories'],
    [['link', '-O', ''], ['0', '1'], 'none'],
    [['unload', ''], [], 'none'],
    [['replace', 'edge', ''], [], 'files'],
    [['xdp', 'unload', 'lo', ''], [], 'none'],
    [['xdp', 'load', '--mode', 's'], ['skb'], 'none'],
    [['link', '--license', ''], [], 'none'],
    [['completion', ''], ['bash', 'zsh', 'fish'], 'none'],
  ])('%j: %j and %s', (line, expected, paths) => {
    expect(ask(...line)).toEqual({ words: expected, paths });
  });
});

describe('scripts of shells', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-completion-'));
  const command = join(directory, 'rootlet');
  afterAll(() => rmSync(directory, { recursive: true }));

  /** Prints fixed candidates, and records the words that it was called with. */
  function fakeCommand(lines: readonly string[]): void {
    const print = lines.map(line => `printf '%b\\n' '${line}'`).join('\n');
    writeFileSync(command, `#!/bin/sh\nprintf '%s,' "$@" >'${directory}/called'\n${print}\n`);
    chmodSync(command, 0o755);
  }

  function completeInBash(line: readonly string[]): string[] {
    writeFileSync(join(directory, 'script'), SCRIPTS.bash);
    const quoted = line.map(word => `'${word}'`).join(' ');
    const text = `compopt() { :; }; cd '${directory}'; . ./script; COMP_WORDS=(${quoted}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1));
_rootlet; printf '%s\\n' "\${COMPREPLY[@]}"; cat called`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', text], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.split('\n');
  }

  test('bash: a word that it breaks is asked for whole, and answered in part', () => {
    fakeCommand(['slot=a.o:first\\tA program', 'slot=a.o:second\\t', ':none']);
    const line = [command, 'relink', 'rootlet.o', 'slot', '=', 'a.o', ':', ''];
    expect(completeInBash(line)).toEqual([
      'first',
      'second',
      'completion,words,--,relink,rootlet.o,slot=a.o:,',
    ]);
  });

  test('bash: files and directories', () => {
    fakeCommand([':files']);
    expect(completeInBash([command, 'link', 'scr'])[0]).toBe('script');
    fakeCommand([':directories']);
    expect(completeInBash([command, 'link', 'scr'])[0]).toBe('');
  });

  test.each(SHELLS)('%s accepts its script, where it is installed', shell => {
    const file = join(directory, `script.${shell}`);
    writeFileSync(file, SCRIPTS[shell]);
    const { status, error } = spawnSync(shell, ['-n', file]);
    if (error === undefined) expect(status).toBe(0);
    else expect(shell).not.toBe('bash');
  });
});
