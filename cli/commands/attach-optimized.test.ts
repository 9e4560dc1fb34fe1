/** `attach` and `replace` of rootlets whose slots are linked: optimized by default, listed, and on request not. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { CommandWorld } from '../testing.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // each command is a process

const at = (name: string) => join(import.meta.dirname, '../../examples/obj/el', `${name}.bpf.o`);
const [ROOTLET, FIRST, SECOND] = [at('rootlet'), at('first_firewall'), at('second_firewall')];

needs('bpf', 'ip').describe('optimized attachments', () => {
  let world: CommandWorld;
  beforeAll(() => {
    world = new CommandWorld();
  });
  afterAll(() => world.close());
  afterEach(() => {
    const hooks = join(world.root, 'hooks');
    if (existsSync(hooks)) world.run(['detach', '--force', ...readdirSync(hooks)]);
  });
  const must = (...words: readonly string[]): string => {
    const { code, out, err } = world.run(words);
    expect([code, err]).toEqual([0, '']);
    return out;
  };
  const programRow = (): string => must('ps').match(/^program .*$/m)?.[0] ?? '';

  test('slots that are linked, from attaching to the next version', () => {
    // nothing is inlined into it: its slots are weak
    expect(must('attach', 'xdp', 'v0', ROOTLET, '--slots', 'static', '--name', 'edge')).not.toContain(
      'optimized',
    );
    const order = ['replace', 'edge', '--order', `${FIRST},${SECOND}`];
    const planned = must(...order, '--dry-run');
    expect(planned).toMatch(/^would change edge on interface "v0" \(static: as requested\)\n/);
    expect(planned).toMatch(
      /^optimized at first with --inline single, .*:\n {2}rootlet {2}\d+ -> \d+ insns {2}inlined: xdp_prog1, xdp_prog2, .*\n/m,
    );
    expect(must(...order)).toMatch(
      /^edge on interface "v0" \(static: as requested\), optimized \(single\)\n/,
    );
    expect(programRow()).toMatch(/, optimized \(single\)$/);
    expect(must('replace', 'edge')).toMatch(/^edge on .*, optimized \(single\)\n/);
    expect(world.json('replace', 'edge', '--slots', 'static', '--inline', 'members')).toMatchObject({
      optimized: 'members',
      optimization: { inline: 'members', programs: [{ program: 'rootlet' }] },
      entry: { optimized: 'members' },
    });
    expect(must('replace', 'edge', '-O0')).not.toContain('optimized');
    expect(world.json('ps')).toMatchObject({ entries: [{ optimized: 'none' }] });
    expect(programRow()).not.toContain('optimized');
  });

  test('a program: on request, with the options in force', () => {
    must('attach', 'xdp', 'v0', SECOND, '--name', 'fw');
    expect(programRow()).not.toContain('optimized');
    expect(must('replace', 'fw', SECOND, '-O1', '--dry-run')).toMatch(/inlined: foo, destination_port\n/);
    must('replace', 'fw', SECOND, '-O1', '--no-inline', 'foo');
    expect(programRow()).toMatch(/, optimized \(single\)$/);
    must('detach', 'fw');
    must('attach', 'xdp', 'v0', SECOND, '--name', 'fw', '-O1');
    expect(world.json('ps')).toMatchObject({ entries: [{ optimized: 'single' }] });
  });

  test('an object: a dry run names what would be inlined', () => {
    const words = ['load', SECOND, '--dry-run'];
    expect(must(...words)).not.toContain('optimized');
    expect(must(...words, '-O1')).toMatch(
      /^optimized at first .*\n {2}xdp_prog2 {2}91 -> \d+ insns {2}inlined: foo/m,
    );
    expect(world.json(...words, '-O1', '--no-inline', 'foo')).toMatchObject({
      plan: { optimization: { programs: [{ inlined: [], kept: [{ function: 'foo' }] }] } },
    });
    expect(must('load', SECOND, '-O1')).toMatch(/optimized \(single\)$/m);
    must('unload', 'second_firewall');
  });
});
