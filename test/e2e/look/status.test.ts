/** `rootlet status` on this kernel: a chain that counts, a rootlet, another tool's program, an object and what uses it. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type JsonSchema, schemaErrors } from '../../support/json-schema.ts';
import { needs } from '../../support/needs.ts';
import { PrivateShell } from '../../support/private-shell.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // each command is a process

const SCHEMA: JsonSchema = JSON.parse(readFileSync('docs/schema/status.schema.json', 'utf8'));
const OBJECTS = `${process.cwd()}/examples/obj/el`;

needs('root', 'bpf', 'ip').describe('status', () => {
  let shell: PrivateShell;
  beforeAll(async () => {
    shell = await PrivateShell.open();
    shell.must('mount -t bpf -o mode=0700 bpf /sys/fs/bpf && ip link add v0 type veth peer name v1');
    expect(shell.must('rootlet status')).toBe('nothing is loaded\n');
    shell.must(`cp ${OBJECTS}/*.o . && ip link set v0 up && ip link set v1 up`);
    shell.must('rootlet xdp load v0 first_firewall.bpf.o second_firewall.bpf.o -P 7 && rootlet metrics');
    shell.must('rootlet attach xdp v1 rootlet.bpf.o --name edge --mode generic');
    shell.must('rootlet replace edge dummy1=first_firewall.bpf.o');
    shell.must('rootlet load first.bpf.o && rootlet load second.bpf.o');
  });
  afterAll(() => shell?.close());

  /** The tree without ids and generations; of the packets of neighbour discovery no number is known. */
  const tree = (): string =>
    shell
      .must('rootlet status')
      .replace(/id \d+/g, 'id N')
      .replace(/\d+ packets(?:: \w+ \d+)?/g, 'P packets')
      .replace(/generation \d+/g, 'generation G');

  test('a tree of hooks and objects', () => {
    const text = tree();
    for (const part of [
      'v0 xdp (native): static chain, entry xdp-v0, generation G, xdp_chain (id N)\n├─ first_firewall: first_firewall.bpf.o:xdp_prog1, priority 7, P packets\n│  └─ maps: rootlet_counts (id N), rules (id N)',
      '\n├─ second_firewall: second_firewall.bpf.o:xdp_prog2, priority 7, P packets\n',
      'v1 xdp (skb): rootlet, slots static, entry edge, generation G, rootlet.bpf.o, rootlet (id N)\n├─ slot dummy1: first_firewall, first_firewall.bpf.o\n│  └─ maps: rules (id N), ',
      '\n└─ slot dummy2: its own code\n',
      'object first: first.bpf.o, generation G\n├─ program foo',
      '\n├─ exports function foo\n│  └─ used by object second as foo (tail)\n├─ exports variable minimum\n│  └─ used by object second as minimum (in place)\n',
      '\n├─ extern foo: first:foo (tail)\n',
    ])
      expect(text).toContain(part);
  });

  test('the same as a picture', () => {
    const dot = shell.must('rootlet status --graph -');
    const labels = [...dot.matchAll(/^ +n\d+ \[class="(\w+)".*?label=<<b>(.*?)<\/b>/gm)];
    const nodes = labels.map(([, kind, label]) => `${kind} ${label}`);
    for (const node of [
      ...['hook v0 xdp', 'chain xdp-v0', 'program first_firewall', 'map rules', 'hook v1 xdp', 'chain edge'],
      ...['slot dummy1', 'slot dummy2', 'object first', 'function foo', 'object second', 'variable minimum'],
    ])
      expect(nodes).toContain(node);
    expect(dot).toMatch(/class="bind".*label=<&#160;&#160;tail>/);
    shell.must('rootlet status --graph status.svg');
    expect(shell.must('cat status.svg')).toMatch(/^<svg [\s\S]*<title>v0 xdp → xdp-v0<\/title>/);
    expect(JSON.parse(shell.must('rootlet status --graph status.dot --json'))).toMatchObject({ ok: true });
    expect(shell.run('rootlet status --graph status.png').text).toContain('ends in .svg or .dot');
  });

  test('an interface that is renamed, and a program of another tool', () => {
    shell.must('ip link set v0 down && ip link set v0 name w0');
    try {
      expect(tree()).toMatch(/^w0 xdp \(native\): static chain, entry xdp-v0/m);
    } finally {
      shell.must('ip link set w0 name v0 && ip link set v0 up');
    }
    shell.must(
      'ip link add n0 type veth peer name n1 && ip link set n0 xdpgeneric object first_firewall.bpf.o section xdp',
    );
    expect(tree()).toMatch(/^n0 xdp \(skb\): program of another tool, xdp_prog1 \(id N\)/m);
    shell.must('ip link del n0');
  });

  test('as JSON, by the schema', () => {
    const document = shell.json('rootlet status --json');
    expect(schemaErrors(document, SCHEMA)).toEqual([]);
    expect(document).toMatchObject({
      hooks: expect.arrayContaining([
        expect.objectContaining({
          kind: 'xdp',
          place: 'v0',
          interface: expect.objectContaining({ name: 'v0', direction: null }),
          what: 'chain',
          via: 'static',
          mode: 'native',
          parts: [
            expect.objectContaining({
              name: 'first_firewall',
              counters: expect.objectContaining({ packets: expect.any(Number) }),
            }),
            expect.objectContaining({ name: 'second_firewall' }),
          ],
        }),
        expect.objectContaining({
          what: 'rootlet',
          entry: 'edge',
          mode: 'generic',
          parts: [
            expect.objectContaining({ slot: 'dummy1', name: 'first_firewall' }),
            expect.objectContaining({ slot: 'dummy2', name: null }),
          ],
        }),
      ]),
      objects: expect.arrayContaining([
        expect.objectContaining({
          name: 'first',
          exports: expect.arrayContaining([
            expect.objectContaining({
              name: 'foo',
              users: [{ kind: 'object', entry: 'second', extern: 'foo', via: 'tail' }],
            }),
          ]),
        }),
      ]),
    });
  });

  test('without counting there are no counters', () => {
    shell.must('rootlet top --off');
    expect(tree()).toContain('first_firewall.bpf.o:xdp_prog1, priority 7\n');
  });
});
