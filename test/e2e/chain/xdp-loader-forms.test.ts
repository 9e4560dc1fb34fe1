/**
 * Scripts of xdp-loader: its command lines with `rootlet xdp` in the place of `xdp-loader`, what scripts read in its
 * table, and what the real tool reads on an interface that rootlet has changed, and the other way round.
 */

import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { counting } from './sources.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // every command is a process

const PASS = 2;

needs('root', 'bpf', 'clang', 'ip', 'xdp-tools').describe('in the place of xdp-loader', () => {
  let shell: PrivateShell;

  beforeAll(async () => {
    shell = await PrivateShell.open();
    compileInto(shell.directory, {
      wall: counting('xdp_wall', PASS),
      count: counting('xdp_count', PASS, { priority: 20 }),
      two: `${counting('xdp_a', PASS)}\nSEC("xdp.frags") int xdp_b(struct xdp_md *ctx) { return verdict; }`,
    });
    shell.must('mount -t bpf bpf /sys/fs/bpf && ip link add v0 type veth peer name v1 && ip link set v0 up');
  });
  afterAll(() => shell?.close());

  beforeEach(() => {
    shell.run('rootlet xdp unload -a v0 --force');
  });

  /** Words of the rows of members: priority, program, id, tag, actions. */
  const rows = (): string[][] =>
    shell
      .must("rootlet xdp status v0 | grep '=>' | cat")
      .split('\n')
      .filter(line => line !== '')
      .map(line => line.trim().split(/\s+/).slice(1, 6));

  test.each([
    ['load v0 wall.o', ['50', 'xdp_wall', '-', '-', 'XDP_PASS']],
    ['load -P 10 v0 wall.o', ['10', 'xdp_wall', '-', '-', 'XDP_PASS']],
    ['load v0 wall.o -P10', ['10', 'xdp_wall', '-', '-', 'XDP_PASS']],
    ['l -m skb -A XDP_PASS,XDP_TX v0 wall.o', ['50', 'xdp_wall', '-', '-', 'XDP_PASS,XDP_TX']],
    ['load -vv -A drop,Tx v0 wall.o', ['50', 'xdp_wall', '-', '-', 'XDP_DROP,XDP_TX']],
    ['load --prio 7 --actions XDP_TX --mode unspecified v0 wall.o', ['7', 'xdp_wall', '-', '-', 'XDP_TX']],
    ["load -P 0 -A '' v0 count.o", ['20', 'xdp_count', '-', '-', 'XDP_PASS']],
    ['load -n xdp_b v0 two.o', ['50', 'xdp_b', '-', '-', 'XDP_PASS']],
    ['load --prog-name xdp_a v0 two.o', ['50', 'xdp_a', '-', '-', 'XDP_PASS']],
    ['load -s xdp.frags v0 two.o', ['50', 'xdp_b', '-', '-', 'XDP_PASS']],
    ['load --section=xdp v0 two.o', ['50', 'xdp_a', '-', '-', 'XDP_PASS']],
    ['load -p /sys/fs/bpf/maps v0 wall.o', ['50', 'xdp_wall', '-', '-', 'XDP_PASS']],
  ])('%s', (line, row) => {
    shell.must(`rootlet xdp ${line}`);
    expect(rows()).toEqual([row]);
  });

  test('the columns of status are those of the real tool', () => {
    shell.must('xdp-loader load -m skb v0 wall.o');
    const [ours, theirs] = ['rootlet xdp', 'xdp-loader'].map(tool =>
      shell
        .must(`${tool} status`)
        .split('\n')
        .map(line => line.trimEnd()),
    );
    expect(ours).toEqual(theirs);
  });

  test('a script that takes members away one by one', () => {
    shell.must('rootlet xdp load v0 wall.o count.o && rootlet xdp load v0 -n xdp_a two.o');
    const script = `
      count() { rootlet xdp status v0 | grep -c '=>'; }
      echo $(count)
      main=$(rootlet xdp status v0 | grep '^v0' | awk '{print $4}')
      rootlet xdp unload v0 -i "$main" > /dev/null && echo $(count)`;
    expect(shell.run(script).text).toBe('3\n0\n');
  });

  test('the real tool keeps away from a chain, and can unload it as a plain program', () => {
    shell.must('rootlet xdp load v0 wall.o count.o');
    expect(shell.run('xdp-loader load v0 wall.o').code).not.toBe(0);
    expect(rows()).toHaveLength(2);
    shell.must('xdp-loader unload v0 -a');
    expect(shell.must('rootlet xdp status v0')).toContain('<No XDP program loaded!>');
    shell.must('rootlet xdp load v0 wall.o');
    expect(rows()).toHaveLength(1);
  });

  test('a program of the real tool is replaced or removed with --force only', () => {
    shell.must('xdp-loader load -m skb v0 wall.o');
    for (const line of ['load v0 count.o', 'unload v0 -a'])
      expect(shell.run(`rootlet xdp ${line}`)).toMatchObject({
        code: 2,
        text: expect.stringMatching(/--force/),
      });
    shell.must('rootlet xdp unload v0 -a --force');
    expect(shell.must('xdp-loader status v0')).toContain('<No XDP program loaded!>');
  });
});
