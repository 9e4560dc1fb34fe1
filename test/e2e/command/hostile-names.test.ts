/**
 * Names that others chose, at the commands that look at the kernel: of interfaces, files, pins, directories and entries.
 * They reach no terminal as they are, and documents have them unchanged.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CommandResult, CommandWorld } from '../../../cli/testing.ts';
import { returning } from '../../../src/hooks/testing.ts';
import { pinObject } from '../../../src/kernel/objects/pin.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { withLicense } from '../../../src/link/passes/license.ts';
import { byteMember } from '../../../src/link/watch/testing.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { needs } from '../../support/needs.ts';

vi.setConfig({ testTimeout: 60_000 });

/** A colour, C1, a direction: what the kernel takes in the name of an interface, of at most 15 bytes. */
const INTERFACE = 'v\u001b[1m\u009b\u202e';
/** Also what files may have: a line, a title, a tag, a delete. */
const EVIL = `\u001b]0;t\u0007\nforged\u202e\u{e0041}\u007f`;
/** A tab moves the cursor forward on its own line. */
const OBEYED = /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/u;

needs('bpf', 'root', 'ip').describe('names that others chose', () => {
  let world: CommandWorld;
  const sys = openSys();
  const file = (name: string): string => join(world.directory, `${name}${EVIL}.o`);
  const DOCUMENT = 'declared.yaml';

  beforeAll(() => {
    world = new CommandWorld();
    world.inside('link', 'set', 'v0', 'name', INTERFACE);
    world.inside('link', 'set', INTERFACE, 'alias', `alias${EVIL.replaceAll('\n', '')}`);
    for (const [at, name] of ['fw', 'log'].entries()) {
      const object = { ...withLicense(byteMember(name, 'xdp', at), 'GPL'), name: `${name}.o` };
      writeFileSync(file(name), writeObject(object));
    }
    const tc = { ...withLicense(byteMember('tc', 'tc', 0), 'GPL'), name: 'tc.o' };
    writeFileSync(file('tc'), writeObject(tc));
    writeFileSync(file('none'), 'no object');
    const members = [{ file: file('fw') }, { file: file('gone') }];
    const declared = { hook: 'xdp', interface: INTERFACE, members };
    writeFileSync(join(world.directory, DOCUMENT), JSON.stringify(declared));
    // pins, directories and links of others, inside the store and beside it
    using program = returning(sys, 'theirs', [6], 2);
    mkdirSync(join(world.bpffs, `dir${EVIL}`));
    pinObject(sys, program.fd.number, join(world.bpffs, `dir${EVIL}`, `pin${EVIL}`));
    world.run(['load', file('fw'), '--name', 'first']);
    const objects = join(world.root, 'objects');
    mkdirSync(join(objects, `entry${EVIL}`));
    mkdirSync(join(objects, '%1b%5b31m%0aforged%e2%80%ae'));
  });
  afterAll(() => {
    const objects = join(world.root, 'objects');
    execFileSync('rm', ['-rf', join(world.bpffs, `dir${EVIL}`), objects]);
    world.close();
  });

  /** Lines that a terminal would obey, and lines that a name made. */
  const harm = (text: string): string[] =>
    text.split('\n').filter(one => OBEYED.test(one) || one.startsWith('forged'));

  function harmless(...words: readonly string[]): CommandResult {
    const result = world.run(words);
    const { out, err } = result;
    expect(out + err, words.join(' ')).not.toBe('');
    expect([words, harm(out), harm(err)]).toEqual([words, [], []]);
    return result;
  }

  /** The output of a command that succeeds. */
  function must(...words: readonly string[]): string {
    const { code, out, err } = harmless(...words);
    expect([code, err]).toEqual([0, expect.any(String)]);
    return out;
  }

  /** The same as text and, where there is a document, as JSON with the name unchanged. */
  function both(words: readonly string[], name?: string): void {
    harmless(...words);
    const { out, err } = world.run([...words, '--json']);
    expect([words, harm(out), harm(err)]).toEqual([words, [], []]);
    const text = JSON.stringify(JSON.parse(out));
    if (name !== undefined) expect(text).toContain(JSON.stringify(name).slice(1, -1));
  }

  test('ps, with pins, directories and an entry of others', () => {
    both(['ps'], `fw${EVIL}.o`);
    both(['ps', '--all'], `pin${EVIL}`);
  });

  test('a store that cannot be trusted', () => {
    const link = join(world.root, 'objects', `link${EVIL}`);
    symlinkSync(`to${EVIL}`, link);
    both(['ps']); // the path is part of a sentence, where it is quoted
    rmSync(link);
  });

  test('entries', () => {
    both(['load', file('none')], `none${EVIL}.o`);
    must('load', file('fw'), '--name', `n${EVIL}`);
    harmless('unload', `m${EVIL}`);
    must('unload', `n${EVIL}`);
    harmless('attach', 'xdp', `x${EVIL}`, file('fw'));
    must('attach', 'tc', INTERFACE, file('tc'), '--ingress', '--name', `a${EVIL}`);
    both(['ps'], INTERFACE);
    harmless('replace', `a${EVIL}`, `slot${EVIL}=${file('tc')}`);
    must('detach', `a${EVIL}`);
  });

  test('chains, what is exported of them, and plans', () => {
    must('xdp', 'load', INTERFACE, `a=${file('fw')}`, `m=${file('log')}`);
    both(['xdp', 'status'], INTERFACE);
    both(['xdp', 'load', INTERFACE, `q${EVIL}=${file('log')}@p${EVIL}`]);
    harmless('xdp', 'order', INTERFACE, `m,x${EVIL}`);
    harmless('xdp', 'replace', INTERFACE, `x${EVIL}`, file('fw'));
    harmless('top', INTERFACE, '--once', '--interval', '0.02');
    must('metrics');
    const exported = join(world.directory, `e${EVIL}.yaml`);
    expect(world.run(['export', '-o', exported]).code).toBe(0);
    expect(must('plan', '-f', exported)).toContain('nothing to do');
    both(['export'], INTERFACE);
    copyFileSync(join(world.directory, DOCUMENT), join(world.directory, `d${EVIL}.yaml`));
    harmless('plan', '-f', join(world.directory, `d${EVIL}.yaml`));
    must('xdp', 'unload', INTERFACE, '--all');
  });
});
