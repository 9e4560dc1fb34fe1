/** `rootlet tc`, and what `rootlet xdp` does with pins, with programs of others and with interfaces that are gone. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { compileInto } from '../../support/compile.ts';
import { type JsonSchema, schemaErrors } from '../../support/json-schema.ts';
import { needs } from '../../support/needs.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { counting } from './sources.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // every command is a process

const SCHEMA: JsonSchema = JSON.parse(readFileSync('docs/schema/chain-status.schema.json', 'utf8'));
const TC = { section: 'tc', context: 'struct __sk_buff' } as const;
const [NEXT, PASS] = [-1, 2];
const PINNED = `${counting('xdp_pinned', PASS)}
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32);
  __uint(pinning, LIBBPF_PIN_BY_NAME); } shared SEC(".maps");
SEC("xdp") int xdp_other(struct xdp_md *ctx) { __u32 zero = 0; return bpf_map_lookup_elem(&shared, &zero) ? 2 : 1; }`;

needs('root', 'bpf', 'clang', 'ip', 'bpftool').describe('on interfaces', () => {
  let shell: PrivateShell;

  beforeAll(async () => {
    shell = await PrivateShell.open();
    compileInto(shell.directory, {
      shape: counting('tc_shape', NEXT, TC),
      mark: counting('tc_mark', NEXT, TC),
      wall: counting('xdp_wall', PASS),
      pinned: PINNED,
    });
    shell.must('mount -t bpf bpf /sys/fs/bpf');
  });
  afterAll(() => shell?.close());

  beforeEach(() => {
    shell.run('ip link del v0; rootlet xdp clean');
    shell.must('ip link add v0 type veth peer name v1 && ip link set v0 up');
  });

  test('tc has both directions, in one table', () => {
    expect(shell.must('rootlet tc load v0 shape.o -P 10')).toMatch(/^loaded shape on v0 ingress \(/);
    shell.must('rootlet tc load v0 mark.o@next');
    expect(shell.must('rootlet tc load v0 mark.o --egress')).toMatch(/^loaded mark on v0 egress \(/);
    const rows = shell.must('rootlet tc status v0').split('\n').slice(4, -2);
    expect(
      rows.map(row =>
        row
          .split(/\s+/)
          .slice(0, 4)
          .join(' ')
          .replace(/ (?:tc_chain|-) /, ' '),
      ),
    ).toEqual([
      expect.stringMatching(/^v0 ingress/),
      ' => 10 tc_shape',
      ' => 50 tc_mark',
      expect.stringMatching(/^v0 egress/),
      ' => 50 tc_mark',
    ]);
    expect(schemaErrors(shell.json('rootlet tc status --json'), SCHEMA)).toEqual([]);
    expect(shell.must('rootlet tc order v0 mark,shape')).toMatch(/^ordered v0 ingress: mark, shape \(/);
    expect(shell.must('rootlet tc replace v0 mark mark.o --egress')).toMatch(/v0 egress/);
    expect(shell.run('rootlet tc unload v0').text).toContain('members are: "mark", "shape"');
    expect(shell.must('rootlet tc unload v0 shape')).toMatch(/^unloaded shape from v0 ingress/);
    shell.must('rootlet tc unload v0 -a && rootlet tc unload v0 -a --egress');
    expect(shell.must('rootlet tc status v0')).toContain('v0                     <No TC program loaded!>');
    expect(shell.run('rootlet tc load v0 shape.o --ingress --egress')).toMatchObject({ code: 2 });
    expect(shell.run('rootlet tc load v0 wall.o').text).toMatch(/no program is for tc/);
  });

  test('maps are pinned where --pin-path names, and shared with what is pinned there', () => {
    shell.must('rootlet xdp load v0 -n xdp_other -p /sys/fs/bpf/mine pinned.o');
    expect(shell.must('ls /sys/fs/bpf/mine').trim()).toBe('shared');
    shell.must('rootlet xdp load v1 -n xdp_other --pin-path=/sys/fs/bpf/mine pinned.o');
    expect(shell.must('bpftool map show -j | tr "}" "\\n" | grep -c \'"name":"shared"\'').trim()).toBe('1');
  });

  test('a program of another tool becomes the first member, or goes', () => {
    shell.must('ip link set v0 xdpgeneric object wall.o section xdp');
    expect(shell.run('rootlet xdp load v0 -n xdp_other pinned.o')).toMatchObject({ code: 2 });
    const adopted = shell.must('rootlet xdp load v0 -n xdp_other pinned.o --adopt');
    expect(adopted).toMatch(/\n {2}xdp_wall +runs 1st.*\(loaded by another tool\)/);
    expect(adopted).toMatch(/ on v0 \(skb mode, /);
    shell.must('rootlet xdp unload v0 --all');
    shell.must('ip link set v0 xdpgeneric object wall.o section xdp');
    shell.must('rootlet xdp load v0 -n xdp_other pinned.o --force');
    expect(shell.must("rootlet xdp status v0 | grep -c '=>'").trim()).toBe('1');
  });

  test('the mode is that of the option, and another one is refused while a chain runs', () => {
    shell.must('rootlet xdp load -m skb v0 wall.o');
    expect(shell.must('rootlet xdp status v0')).toMatch(/^v0 .* skb /m);
    const refused = shell.run('rootlet xdp load -m native v0 new=wall.o');
    expect(refused).toMatchObject({ code: 2, text: expect.stringMatching(/hint: leave out --mode/) });
    shell.must('rootlet xdp load -m unspecified v0 new=wall.o');
  });

  /** Without the note on processes that cannot be looked at. */
  const clean = (...options: string[]): string =>
    shell.must(['rootlet xdp clean', ...options].join(' ')).replace(/^rootlet: note: descriptors .*\n/m, '');

  test('clean removes what is attached nowhere, and nothing else', () => {
    shell.must('rootlet xdp load v0 wall.o && rootlet xdp load v1 wall.o');
    expect(clean()).toBe('nothing to clean up\n');
    shell.must('ip link del v0 && ip link add v0 type veth peer name v1 && rootlet xdp load v1 new=wall.o');
    expect(clean('--dry-run')).toMatch(/^would remove hook "xdp-v/);
    expect(clean('v0')).toContain('note: not only v0, all interfaces are cleaned');
    expect(clean()).toBe('nothing to clean up\n');
    expect(shell.must("rootlet xdp status | grep -c '=>'").trim()).toBe('1');
  });

  test('features are those of the driver', () => {
    expect(shell.must('rootlet xdp features v0')).toMatch(/^NETDEV_XDP_ACT_BASIC: +yes$/m);
    expect(shell.json('rootlet xdp features v0 --json')).toMatchObject({
      interface: 'v0',
      kind: 'veth',
      features: { NETDEV_XDP_ACT_BASIC: true, NETDEV_XDP_ACT_HW_OFFLOAD: false },
    });
    expect(shell.run('rootlet xdp features v9')).toMatchObject({ code: 2 });
  });
});
