/** A slot that is not hidden, in a program type whose return value the verifier checks: said when linking. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { relink } from '../../../src/link/relink.ts';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';

const HEAD = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
`;
const host = (section: string, attributes: string): string => `${HEAD}
${attributes} __attribute__((weak, noinline)) int slot1(struct __sk_buff *ctx) { volatile int one = 1; return one; }
SEC("${section}") int host(struct __sk_buff *ctx) { return slot1(ctx); }`;

needs('clang').describe('verdicts behind a slot', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-verdicts-'));
  const sources = {
    open: host('cgroup_skb/egress', ''),
    hidden: host('cgroup_skb/egress', '__attribute__((visibility("hidden")))'),
    unchecked: host('tc', ''),
  };
  const files = compileInto(directory, sources);
  const [open, hidden, unchecked] = files.map(file => ({
    name: path.basename(file),
    bytes: readFileSync(file),
  }));
  rmSync(directory, { recursive: true });

  test.each([
    [
      'open',
      open,
      [
        expect.stringContaining(
          'slot "slot1" is not hidden: the verifier checks the result of "cgroup_skb/egress" programs',
        ),
      ],
    ],
    ['hidden', hidden, []],
    ['of a type whose verdict is any number', unchecked, []],
  ])('%s', (_, rootlet, notes) => {
    if (rootlet === undefined) throw new Error('not compiled');
    const result = relink(rootlet, []);
    expect(result).toMatchObject({ ok: true });
    if (result.ok) expect(result.report.notes).toEqual(notes);
  });
});
