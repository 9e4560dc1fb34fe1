/** `plan`, `apply` and `export` as processes: hooks of this kernel become what documents declare. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CommandWorld } from '../../../cli/testing.ts';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // each command is a process

/** Counts packets in a map, and returns a verdict that a constant states. */
function member(name: string, verdict: string): string {
  return `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, long); }
  ${name}_seen SEC(".maps");
volatile const int verdict = ${verdict};
SEC("xdp") int ${name}(struct xdp_md *ctx) {
  int key = 0;
  long *seen = bpf_map_lookup_elem(&${name}_seen, &key);
  if (seen) __sync_fetch_and_add(seen, 1);
  return verdict;
}
char _license[] SEC("license") = "GPL";
`;
}

const lab = needs('bpf', 'clang', 'ip');

lab.describe('declared chains', () => {
  let world: CommandWorld;
  const at = (name: string): string => join(world.directory, name);
  const rootlet = (...words: readonly string[]) => world.run(words);
  const declare = (text: string, name = 'chain.yaml'): string => {
    writeFileSync(at(name), text);
    return at(name);
  };
  beforeAll(() => {
    world = new CommandWorld();
    compileInto(world.directory, {
      fw: member('fw', '2'),
      fw2: member('fw', '2').replace('= 2', '= XDP_PASS + 0').replace('int key', 'long pad = bpf_ktime_get_ns(); if (pad == 1) return 1; int key'),
      count: member('count', '2'),
      last: member('last', '1'),
    });
  });
  afterAll(() => world.close());

  test('try', () => {
    const file = declare('hook: xdp\ninterface: v0\nmembers:\n  - file: fw.o\n    priority: 10\n  - file: count.o\n    set: { verdict: 2 }\n');
    console.log(rootlet('plan', '-f', file));
    console.log(rootlet('apply', '-f', file));
    console.log(rootlet('apply', '-f', file));
    console.log(rootlet('export'));
    console.log(rootlet('plan', '-f', declare('hook: xdp\ninterface: v0\nmembers:\n  - file: fw2.o\n    name: fw\n    priority: 60\n  - file: count.o\n  - file: last.o\n    priority: 70\n    on: [pass, drop]\n')));
    console.log(rootlet('apply', '-f', file));
    console.log(rootlet('plan', '--nope'));
    console.log(rootlet('plan'));
    console.log(rootlet('apply', '-f', file, '--install-unit'));
  });
});
