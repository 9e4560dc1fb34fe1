/** Programs that are not a chain: never touched unless it is requested; adopted, replaced, or met in another mode. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ChainEdit } from '../../../src/chain/model/edit.ts';
import { needs } from '../../support/needs.ts';
import { ChainLab, codeOf } from './lab.ts';
import { member, small } from './members.ts';

needs('bpf', 'ip', 'clang').describe('a program that is not a chain', () => {
  let lab: ChainLab;
  beforeAll(() => {
    lab = new ChainLab('cf');
    lab.compile({ theirs: small({ at: 7, program: 'theirs' }), a: member({ at: 0 }), b: member({ at: 1 }) });
  });
  afterEach(() => lab.reset());
  afterAll(() => lab.close());

  const theirs = (verdict: number): readonly number[] => [2, 2, 2, 2, 2, 2, 2, verdict];

  test('no edit touches it without a request', () => {
    const id = lab.attachForeign('theirs');
    const tree = lab.entries();
    const edits: ChainEdit[] = [
      { kind: 'load', members: [lab.member('a')] },
      { kind: 'set', members: [lab.member('a')] },
      { kind: 'replace', name: 'theirs', member: lab.member('a') },
      { kind: 'order', names: [] },
      { kind: 'unload', members: 'all' },
      { kind: 'unload', members: ['theirs'] },
      { kind: 'unload', members: [id] },
    ];
    for (const edit of edits)
      expect([edit.kind, codeOf(() => lab.change(edit))]).toEqual([edit.kind, 'chain-foreign']);
    expect(lab.read()).toMatchObject({ kind: 'foreign', mode: 'generic', program: { id, name: 'theirs' } });
    expect([lab.running, lab.judge(...theirs(3)), lab.entries()]).toEqual([id, 3, tree]);
  });

  test('the hint is an option of the command that was refused', () => {
    const id = lab.attachForeign('theirs');
    const hints: [ChainEdit, string][] = [
      [{ kind: 'load', members: [lab.member('a')] }, '--adopt makes it the first member'],
      [{ kind: 'order', names: [] }, 'load a program with --adopt'],
      [{ kind: 'replace', name: 'theirs', member: lab.member('a') }, 'load a program with --adopt'],
      [{ kind: 'unload', members: 'all' }, '--force removes it'],
      [{ kind: 'unload', members: [id + 1] }, '--all --force removes it'],
    ];
    for (const [edit, hint] of hints) expect(() => lab.change(edit)).toThrow(`hint: ${hint}`);
  });

  test('--force replaces it in one step, in its mode', () => {
    lab.attachForeign('theirs');
    const { after } = lab.load(['a'], { force: true });
    expect([after.mode, lab.names, lab.judge(3), lab.judge(...theirs(1))]).toEqual(['generic', ['a'], 3, 2]);
  });

  test('--force removes it', () => {
    const id = lab.attachForeign('theirs');
    expect(codeOf(() => lab.unload([id + 1], { force: true }))).toBe('chain-foreign');
    expect(lab.unload([id], { force: true }).after.kind).toBe('none');
    lab.attachForeign('theirs');
    lab.unload('all', { force: true });
    expect(lab.running).toBe(0);
  });

  test('--adopt makes it the first member, unchanged, with its maps', () => {
    const id = lab.attachForeign('theirs');
    lab.judge(...theirs(2));
    const { after } = lab.load(['a'], { adopt: true });
    expect(after.members.map(({ name, priority, file }) => [name, priority, file === null])).toEqual([
      ['theirs', 0, true],
      ['a', 50, false],
    ]);
    expect(after.members[0]?.loaded?.id).toBe(id);
    expect([
      lab.judge(1, 2, 2, 2, 2, 2, 2, 2),
      lab.judge(1, 2, 2, 2, 2, 2, 2, 3),
      lab.judge(...theirs(4)),
    ]).toEqual([1, 3, 4]);
  });

  test('an adopted member stays with every later change, and goes on request', () => {
    const id = lab.attachForeign('theirs');
    lab.load(['a'], { adopt: true });
    const works = (): unknown[] => [
      lab.judge(...theirs(3)),
      lab.judge(...theirs(2)),
      lab.read().members.find(({ name }) => name === 'theirs')?.loaded?.id,
    ];
    lab.load(['b']);
    expect(works()).toEqual([3, 2, id]);
    lab.replace('a', 'b');
    expect(works()).toEqual([3, 2, id]);
    lab.order('b', 'theirs', 'a');
    expect(works()).toEqual([3, 2, id]);
    lab.unload(['a']);
    expect(works()).toEqual([3, 2, id]);
    lab.unload(['b']);
    expect([lab.names, works()]).toEqual([['theirs'], [3, 2, id]]);
    lab.load(['a']);
    lab.unload(['theirs']);
    expect([lab.names, lab.judge(...theirs(3))]).toEqual([['a'], 2]);
  });

  test('an adopted member by its id; another version in its place', () => {
    const id = lab.attachForeign('theirs');
    lab.load(['a'], { adopt: true });
    lab.replace('theirs', 'b');
    expect([lab.names, lab.judge(2, 3), lab.judge(...theirs(3))]).toEqual([['theirs', 'a'], 3, 2]);
    lab.reset();
    const again = lab.attachForeign('theirs');
    lab.load(['a'], { adopt: true });
    expect(id).not.toBe(again);
    lab.unload([again]);
    expect(lab.names).toEqual(['a']);
  });

  test('a program that another tool puts in the place of the chain is foreign; the chain is not believed', () => {
    lab.load(['a', 'b']);
    const ours = lab.running;
    lab.attachForeignOver('theirs');
    expect(lab.running).not.toBe(ours);
    expect(lab.read()).toMatchObject({ kind: 'foreign', members: [], entry: null });
    expect(codeOf(() => lab.load(['a']))).toBe('chain-foreign');
    expect(codeOf(() => lab.unload('all'))).toBe('chain-foreign');
  });

  test('another mode than that of what is attached is refused', () => {
    lab.attachForeign('theirs');
    expect(codeOf(() => lab.load(['a'], { mode: 'native', adopt: true }))).toBe('chain-mode');
    lab.reset();
    lab.load(['a'], { mode: 'generic' });
    expect(lab.read().mode).toBe('generic');
    const { running } = lab;
    expect(codeOf(() => lab.load(['b'], { mode: 'native' }))).toBe('chain-mode');
    expect(lab.running).toBe(running);
    lab.load(['b'], { mode: 'generic' });
    lab.unload('all');
    lab.load(['a'], { mode: 'native' });
    expect(lab.read().mode).toBe('native');
  });
});
