/** Outputs in a directory that every user can write to, with what another user has put there. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { writeOutput } from './files.ts';
import { openSpecial, type SpecialTarget, targetOf } from './target.ts';

const NOBODY = 65534;
const NEW = new Uint8Array([1, 2, 3]);

describe('an output', () => {
  let directory = '';
  let shared = '';
  const at = (name: string): string => join(shared, name);
  const secret = (): string => join(directory, 'secret');
  const refused = expect.objectContaining({ code: 'file-write' });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rootlet-target-'));
    shared = join(directory, 'shared');
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    writeFileSync(secret(), 'secret', { mode: 0o600 });
  });
  afterEach(() => {
    expect(readFileSync(secret(), 'utf8')).toBe('secret');
    rmSync(directory, { recursive: true });
  });

  needs('root').test('does not follow a link of another user there, wherever it leads', () => {
    for (const target of [secret(), join(directory, 'not-there'), 'second']) {
      symlinkSync(target, at('link'));
      lchownSync(at('link'), NOBODY, NOBODY);
      expect(() => writeOutput(at('link'), NEW)).toThrow(refused);
      rmSync(at('link'));
    }
    symlinkSync(secret(), at('second'));
    lchownSync(at('second'), NOBODY, NOBODY);
    symlinkSync('second', at('first')); // an own link to one of another user
    expect(() => writeOutput(at('first'), NEW)).toThrow(refused);
    expect(existsSync(join(directory, 'not-there'))).toBe(false);
  });

  test('follows links of this user, and links that lead nowhere yet', () => {
    writeFileSync(at('old'), 'old', { mode: 0o640 });
    symlinkSync('old', at('link'));
    writeOutput(at('link'), NEW);
    expect([...readFileSync(at('old'))]).toEqual([...NEW]);
    expect(statSync(at('old')).mode & 0o777).toBe(0o640);
    symlinkSync('later', at('next'));
    writeOutput(at('next'), NEW);
    expect([...readFileSync(at('later'))]).toEqual([...NEW]);
    symlinkSync('loop', at('loop'));
    expect(() => writeOutput(at('loop'), NEW)).toThrow(refused);
  });

  needs('root').test('takes over no permissions of another user, and writes to no file of one', () => {
    writeFileSync(at('theirs'), 'theirs');
    chmodSync(at('theirs'), 0o666);
    chownSync(at('theirs'), NOBODY, NOBODY);
    linkSync(at('theirs'), at('kept'));
    const umask = process.umask(0o022);
    writeOutput(at('theirs'), NEW);
    process.umask(umask);
    expect(statSync(at('theirs')).mode & 0o777).toBe(0o644);
    expect(readFileSync(at('kept'), 'utf8')).toBe('theirs');
  });

  test('does not write through what has the name of its temporary file', () => {
    symlinkSync(secret(), at(`.rootlet-${process.pid}-0.tmp`));
    linkSync(secret(), at(`.rootlet-${process.pid}-1.tmp`));
    writeOutput(at('out'), NEW);
    expect([...readFileSync(at('out'))]).toEqual([...NEW]);
  });

  test('removes what killed processes left, and nothing else', () => {
    const gone = spawnSync('true').pid;
    const old = new Date(Date.now() - 60_000);
    const names = [`.rootlet-${gone}-0.tmp`, `.rootlet-${process.ppid}-0.tmp`, '.rootlet-x-0.tmp'];
    for (const name of names) {
      writeFileSync(at(name), '');
      utimesSync(at(name), old, old);
    }
    writeFileSync(at(`.rootlet-${gone}-1.tmp`), ''); // perhaps of a process that is not seen from here
    writeOutput(at('out'), NEW);
    expect(readdirSync(shared).sort()).toEqual([`.rootlet-${gone}-1.tmp`, ...names.slice(1), 'out'].sort());
  });

  const pipe = (name: string): string => {
    execFileSync('mkfifo', [at(name)]);
    return at(name);
  };
  function special(path: string): SpecialTarget {
    const target = targetOf(path);
    if (target.kind !== 'special') throw new Error(`${path} is a file`);
    return target;
  }

  test('goes through a pipe to who reads it, however often', async () => {
    const path = pipe('pipe');
    for (const bytes of [NEW, new Uint8Array(200_000).fill(7)]) {
      const reader = spawn('sh', ['-c', `cat ${path} > ${at('read')}`]);
      writeOutput(path, bytes);
      await once(reader, 'close');
      expect(new Uint8Array(readFileSync(at('read')))).toEqual(bytes);
    }
  });

  test('does not wait forever for a reader', () => {
    const path = pipe('pipe');
    expect(() => openSpecial(special(path), 60)).toThrow(expect.objectContaining({ code: 'ENXIO' }));
  });

  needs('root').test('goes to no pipe of another user there, read or not', () => {
    const path = pipe('pipe');
    chownSync(path, NOBODY, NOBODY);
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    expect(() => writeOutput(path, NEW)).toThrow(/it is a pipe of user 65534/);
    closeSync(fd);
    symlinkSync('pipe', at('link'));
    expect(() => writeOutput(at('link'), NEW)).toThrow(refused);
  });

  test('goes to what was found, or nowhere', () => {
    const target = special(pipe('pipe'));
    const fd = openSync(at('pipe'), constants.O_RDWR | constants.O_NONBLOCK);
    const changes: readonly (() => void)[] = [
      () => symlinkSync(secret(), at('pipe')),
      () => linkSync(secret(), at('pipe')),
      () => void pipe('pipe'),
      () => symlinkSync('/dev/null', at('pipe')),
    ];
    renameSync(at('pipe'), at('first'));
    for (const change of changes) {
      change();
      expect(() => openSpecial(target, 0)).toThrow(); // the secret is read after each test
      rmSync(at('pipe'));
    }
    renameSync(at('first'), at('pipe'));
    closeSync(openSpecial(target, 0));
    closeSync(fd);
  });

  test('goes to a device, and to what this process has open, but to no socket and no directory', () => {
    writeOutput('/dev/null', NEW);
    const fd = openSync(pipe('pipe'), constants.O_RDWR | constants.O_NONBLOCK);
    writeOutput(`/proc/self/fd/${fd}`, NEW);
    writeOutput(`/dev/fd/${fd}`, NEW);
    closeSync(fd);
    mkdirSync(at('directory'));
    expect(() => writeOutput(at('directory'), NEW)).toThrow(/it is a directory/);
    const listen = "require('net').createServer().listen(process.argv[1], () => process.exit(0))";
    spawnSync(process.execPath, [
      '-e',
      `${listen}; process.exit = () => process.kill(process.pid, 9)`,
      at('socket'),
    ]);
    expect(existsSync(at('socket'))).toBe(true);
    expect(() => writeOutput(at('socket'), NEW)).toThrow(/it is a socket/);
  });

  test('breaks a hard link, and leaves the other name alone', () => {
    linkSync(secret(), at('out'));
    writeOutput(at('out'), NEW);
    expect([...readFileSync(at('out'))]).toEqual([...NEW]);
  });
});
