/** `plan`, `apply` and `export` as processes: hooks of this kernel become what documents declare. */

import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CommandWorld } from '../../../cli/testing.ts';
import { openById } from '../../../src/kernel/objects/info.ts';
import { BpfMap } from '../../../src/kernel/objects/map.ts';
import { FakeSys } from '../../../src/kernel/sys/fake.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { Store } from '../../../src/store/store.ts';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { BLOCK, capture, counting, NO_XDP, REFUSED } from './declared-sources.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // each command is a process

const lab = needs('bpf', 'clang', 'ip');
const kernel = kernelForTests().sys ?? new FakeSys();

lab.describe('declared chains', () => {
  let world: CommandWorld;
  const at = (name: string): string => join(world.directory, name);
  const rootlet = (...words: readonly string[]) => world.run(words);
  const declare = (text: string, name = 'chain.yaml'): string => {
    writeFileSync(at(name), text);
    return at(name);
  };
  const onHook = (name: string): string => world.inside('-d', 'link', 'show', name);

  beforeAll(() => {
    world = new CommandWorld();
    compileInto(world.directory, {
      fw: counting('fw', 'XDP_PASS'),
      count: counting('count', 'XDP_PASS'),
      last: counting('last', 'XDP_DROP'),
      shape: counting('shape', 'TC_ACT_UNSPEC', 'tc'),
      block: BLOCK,
      refused: REFUSED,
      no_xdp: NO_XDP,
    });
    const [newer = ''] = compileInto(world.directory, {
      newer: counting('fw', 'XDP_PASS').replace(
        'int key = 0;',
        'int key = 0; if (total < 0) return XDP_DROP;',
      ),
    });
    copyFileSync(newer, at('fw.v2.o'));
  });
  afterAll(() => world.close());
  afterEach(() => {
    if (onHook('v0').includes('name count')) world.inside('link', 'set', 'v0', 'xdp', 'off');
    for (const name of ['v0', 'v1'])
      for (const hook of ['xdp', 'tc ingress', 'tc egress'])
        rootlet(
          'apply',
          '--force',
          '-f',
          declare(`{ hook: ${hook}, interface: ${name}, members: [] }`, 'none.yaml'),
        );
    expect(onHook('v0')).not.toContain('prog/xdp');
  });

  /** A map of a member in the kernel. */
  const mapOf = (member: string, name: string): BpfMap => {
    const maps = Store.open(kernel, world.root)
      .list()
      .flatMap(entry => (entry.kind === 'hook' && 'record' in entry ? entry.record.maps : []));
    const found = maps.find(one => one.component === member && one.map === name);
    const fd = openById(kernel, 'map', found?.id ?? 0);
    if (fd === undefined) throw new Error(`no map ${name} of ${member}`);
    return BpfMap.adopt(kernel, fd);
  };

  const TWO = `hook: xdp
interface: v0
members:
  - file: fw.o
    priority: 10
  - file: count.o
    set: { verdict: 2 }
`;

  test('plan is pending, apply changes, a second run has nothing to do', () => {
    const file = declare(TWO);
    const plan = rootlet('plan', '-f', file);
    expect(plan).toEqual({
      code: 2,
      err: '',
      out: `xdp on v0: a chain is created
  + fw: DIRECTORY/fw.o: fw; runs 1st: priority 10, lower runs first; continues on XDP_PASS
  + count: DIRECTORY/count.o: count; runs 2nd: priority 50, lower runs first; continues on XDP_PASS
      verdict = 2
`,
    });
    expect(onHook('v0')).not.toContain('xdp');
    const dry = rootlet('apply', '-f', file, '--dry-run');
    expect(dry).toEqual({ ...plan, code: 0 });
    expect(onHook('v0')).not.toContain('xdp');
    const applied = rootlet('apply', '-f', file);
    expect(applied).toMatchObject({ code: 0, err: '' });
    expect(applied.out).toMatch(/^xdp on v0: chain created \(static: .*\)\n {2}\+ fw/);
    expect(onHook('v0')).toContain('xdp_chain');
    const before = onHook('v0');
    const nothing = { code: 0, err: '', out: 'xdp on v0: nothing to do (2 members)\n' };
    expect(rootlet('apply', '-f', file)).toEqual(nothing);
    expect(rootlet('plan', '-f', file)).toEqual(nothing);
    expect(onHook('v0')).toBe(before);
  });

  test('optimization: of the document, else of the options, else level 1', () => {
    const file = declare(TWO);
    const step = (): unknown =>
      JSON.stringify(world.json('xdp', 'status', 'v0')).match(/"optimized":"(\w+)"/)?.[1];
    expect(rootlet('apply', '-f', file, '-O0')).toMatchObject({ code: 0, err: '' });
    expect(step()).toBe('none');
    const plan = rootlet('plan', '-f', file);
    expect(plan.out).toContain('  ~ programs are built with -O1 instead of -O0\n');
    expect(rootlet('apply', '-f', file)).toMatchObject({ code: 0, err: '' });
    expect(step()).toBe('single');
    expect(rootlet('apply', '-f', file, '--no-inline', 'fw', '--inline', 'members').code).toBe(0);
    expect(step()).toBe('members');
    const level0 = declare(TWO.replace('members:', 'optimize: 0\nmembers:'));
    expect(rootlet('apply', '-f', level0, '-O1').code).toBe(0);
    expect(step()).toBe('none');
  });

  test('a change: replaced, moved, settings unset, added; state is kept; then all is removed', () => {
    rootlet('apply', '-f', declare(TWO));
    const id = mapOf('fw', 'seen').info().id;
    const file = declare(`hook: xdp
interface: v0
members:
  - { file: fw.v2.o, priority: 60 }
  - { file: count.o, on: [pass, drop] }
  - { file: last.o, priority: 70 }
`);
    const plan = rootlet('plan', '-f', file);
    expect(plan.code).toBe(2);
    expect(
      plan.out.replace(/\(\d+ bytes, sha256 [0-9a-f]{12}\)/g, '(…)').replace(/kept: .*/, 'kept'),
    ).toBe(`xdp on v0: the chain is changed
  ~ count: runs 1st: priority 50, lower runs first
      continues on XDP_PASS -> XDP_DROP,XDP_PASS (declared, was that of the file)
      verdict 2 -> unset
  ~ fw: runs 2nd: priority 60, lower runs first
      file "DIRECTORY/fw.o" (…) -> "DIRECTORY/fw.v2.o" (…)
      priority 10 -> 60
      position 1 -> 2
  + last: DIRECTORY/last.o: last; runs 3rd: priority 70, lower runs first; continues on XDP_PASS
  state kept
`);
    expect(world.json('plan', '-f', file)).toMatchObject({
      ok: true,
      pending: true,
      hooks: [
        {
          action: 'change',
          hook: { kind: 'xdp', interface: 'v0' },
          members: [
            {
              name: 'count',
              action: 'change',
              differences: [
                { what: 'continueOn', from: [2], to: [1, 2] },
                { what: 'variable', name: 'verdict', from: 2, to: null },
              ],
            },
            { name: 'fw', action: 'change', place: 2 },
            { name: 'last', action: 'add', place: 3 },
          ],
        },
      ],
    });
    expect(rootlet('apply', '-f', file)).toMatchObject({ code: 0 });
    expect(mapOf('fw', 'seen').info().id).toBe(id);
    expect(rootlet('apply', '-f', file).out).toBe('xdp on v0: nothing to do (3 members)\n');
    const none = declare('{ hook: xdp, interface: v0, members: [] }');
    expect(rootlet('plan', '-f', none)).toMatchObject({
      code: 2,
      out: 'xdp on v0: the chain is removed\n  - count\n  - fw\n  - last\n',
    });
    expect(rootlet('apply', '-f', none)).toMatchObject({ code: 0 });
    expect(rootlet('apply', '-f', none).out).toBe('xdp on v0: nothing to do (0 members)\n');
    expect(onHook('v0')).not.toContain('xdp');
  });

  test('export: applying it changes nothing, also when the files are gone', () => {
    copyFileSync(at('count.o'), at('going.o'));
    const text = `hook: xdp
interface: v0
mode: generic
failClosed: true
members:
  - { file: fw.o, priority: 10, on: [pass, tx, 7], set: { verdict: 2 }, maxEntries: { seen: 2 } }
  - { file: going.o, name: other }
`;
    expect(rootlet('apply', '-f', declare(text)).err).toBe('');
    const exported = rootlet('export', 'v0');
    expect(exported).toMatchObject({ code: 0, err: '' });
    expect(exported.out).toBe(`---
hook: xdp
interface: v0
mode: generic
via: static
failClosed: true
members:
  - file: DIRECTORY/fw.o
    name: fw
    program: fw
    priority: 10
    on: [ pass, tx, 7 ]
    set:
      verdict: 2
    maxEntries:
      seen: 2
  - file: DIRECTORY/going.o
    name: other
    program: count
`);
    expect(rootlet('export', '-o', at('exported.yaml'))).toMatchObject({ code: 0, err: '', out: '' });
    expect(rootlet('apply', '-f', at('exported.yaml')).out).toBe('xdp on v0: nothing to do (2 members)\n');
    renameSync(at('going.o'), at('gone.o'));
    expect(rootlet('export').err).toMatch(
      /warning: "DIRECTORY\/going\.o" of member "other" .* is gone: --objects DIR/,
    );
    expect(rootlet('export', '--objects', at('objects'), '-o', at('exported.yaml'))).toMatchObject({
      err: '',
    });
    expect(readFileSync(at('objects/other.o'))).toEqual(readFileSync(at('gone.o')));
    expect(rootlet('apply', '-f', at('exported.yaml')).out).toBe('xdp on v0: nothing to do (2 members)\n');
    expect(world.json('export')).toMatchObject({
      documents: [{ hook: 'xdp', members: [{ name: 'fw' }, {}] }],
    });
  });

  test('simulation: verdicts and members, with what the maps contain', () => {
    rootlet(
      'apply',
      '-f',
      declare('hook: xdp\ninterface: v0\nmembers: [{ file: block.o }, { file: count.o }]\n'),
    );
    const lengths = mapOf('block', 'lengths');
    const key = (length: number) => new Uint8Array(new Uint32Array([length]).buffer);
    lengths.update(key(60), key(1));
    const packets = at('packets.pcap');
    writeFileSync(packets, capture([60, 61, 62, 63]));
    const same = rootlet('plan', '-f', at('chain.yaml'), '--simulate', packets);
    expect(same).toMatchObject({
      code: 0,
      out: 'xdp on v0: nothing to do (2 members)\nsimulated 4 packets: no verdict changes\n',
    });
    const file = declare(`hook: xdp
interface: v0
members: [{ file: block.o, set: { most: 2 } }, { file: last.o, name: count, set: { verdict: 3 } }]
`);
    const plan = rootlet('plan', '-f', file, '--simulate', packets);
    expect(plan.code).toBe(2);
    expect(plan.out).toContain(`simulated 4 packets: 3 change their verdict
  packet 2  PASS (by count)  ->  TX (by count)
  packet 3  PASS (by count)  ->  TX (by count)
  packet 4  PASS (by count)  ->  ABORTED (by block)
  2 packets: PASS -> TX
  1 packet: PASS -> ABORTED
`);
    const { hooks } = world.json('plan', '-f', file, '--simulate', packets);
    expect(hooks).toMatchObject([
      {
        simulation: {
          packets: 4,
          changed: [
            { number: 2, from: { verdict: 'PASS', member: 'count' }, to: { verdict: 'TX', member: 'count' } },
            {},
            { number: 4, to: { verdict: 'ABORTED', member: 'block' } },
          ],
        },
      },
    ]);
    // nothing was touched
    expect([...lengths.entries()]).toHaveLength(1);
    const [[, total] = []] = [...mapOf('block', '.bss').entries()];
    expect(total?.every(byte => byte === 0)).toBe(true);
    const empty = rootlet(
      'plan',
      '-f',
      declare('{ hook: xdp, interface: v0, members: [] }'),
      '--simulate',
      packets,
    );
    expect(empty.out).toContain('  packet 1  DROP (by block)  ->  PASS (no chain)\n');
  });

  test('problems: each with its place, all at once, and nothing is changed', () => {
    const file = declare(`hook: xdp
interface: v0
members: [{ file: nope.o }, { file: no_xdp.o }, { file: count.o, on: [pass], set: { verdikt: 1 } }]
---
{ hook: xdp, interface: v9, members: [] }
`);
    const result = rootlet('apply', '-f', file);
    expect(result.out).toBe('');
    expect(result.code).toBe(1);
    expect(result.err).toContain('chain.yaml:3:19: members[0]: DIRECTORY/nope.o: cannot be read');
    expect(result.err).toContain('chain.yaml:5:25: interface: ');
    const second = rootlet(
      'plan',
      '-f',
      declare('hook: xdp\ninterface: v0\nmembers: [{ file: no_xdp.o }]\n'),
    );
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/chain\.yaml:2:12: .*no_xdp/);
    const third = rootlet(
      ...[
        'apply',
        '-f',
        declare('hook: xdp\ninterface: v0\nmembers: [{ file: count.o, set: { verdikt: 1 } }]\n'),
      ],
    );
    expect(third.code).not.toBe(0);
    expect(third.err).toMatch(/chain\.yaml:2:12: .*"verdikt"/);
    expect(onHook('v0')).not.toContain('xdp');
  });

  test('exit codes of plan: 2 is pending only', () => {
    expect(rootlet('plan').code).toBe(1);
    expect(rootlet('plan', '--nope').code).toBe(1);
    expect(rootlet('plan', '-f', declare('{ hook: xdp, interface: v9, members: [] }')).code).toBe(1);
    expect(rootlet('plan', '-f', at('not-there.yaml')).code).toBe(1);
    expect(rootlet('apply', '--nope').code).toBe(2);
  });

  test('a hook that fails: what changed is reported exactly', () => {
    const good = 'hook: xdp\ninterface: v0\nmembers: [{ file: fw.o }]\n';
    const bad = 'hook: xdp\ninterface: v1\nmembers: [{ file: refused.o }]\n';
    const result = rootlet('apply', '-f', declare(`${good}---\n${bad}`));
    expect(result.code).toBe(5);
    expect(result.err).toMatch(/^rootlet: changed: xdp on v0; not changed: xdp on v1\n {2}hint: /);
    expect(result.err).toMatch(/refused/);
    expect(result.out).toMatch(/^xdp on v0: chain created .*\n {2}\+ fw.*\nxdp on v1: not changed\n$/);
    expect(onHook('v0')).toContain('xdp_chain');
    expect(onHook('v1')).not.toContain('prog/xdp');
    const again = rootlet('apply', '-f', at('chain.yaml'));
    expect(again.code).toBe(3);
    expect(again.out).toBe('xdp on v0: nothing to do (1 member)\nxdp on v1: not changed\n');
  });

  test('a program that is not a chain stays, unless --force replaces it', () => {
    world.inside('link', 'set', 'v0', 'xdp', 'object', at('count.o'), 'section', 'xdp');
    const file = declare('hook: xdp\ninterface: v0\nmembers: [{ file: fw.o }]\n');
    const refused = rootlet('apply', '-f', file);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(
      /chain\.yaml:2:12: .*is attached.* not a chain\n[\s\S]*hint: --force replaces it/,
    );
    expect(rootlet('plan', '-f', file, '--force').out).toMatch(/- program \d+ \(count\), not a chain\n/);
    expect(rootlet('apply', '-f', file, '--force')).toMatchObject({ code: 0 });
    expect(onHook('v0')).toContain('xdp_chain');
  });

  test('--wait: an interface that appears later', () => {
    const file = declare('hook: xdp\ninterface: late\nmembers: [{ file: fw.o }]\n');
    expect(rootlet('apply', '-f', file, '--wait', '0.3').code).toBe(2);
    const netns = world
      .inNamespace('sh', '-c', 'echo /proc/$$/ns/net; ip netns identify $$')
      .trim()
      .split('\n')
      .at(-1);
    const later = spawn('sh', ['-c', `sleep 2; ip -n ${netns} link add late type veth peer name late1`]);
    try {
      expect(rootlet('apply', '-f', file, '--wait', '30')).toMatchObject({ code: 0 });
    } finally {
      later.kill();
    }
    expect(onHook('late')).toContain('xdp_chain');
    rootlet('apply', '-f', declare('{ hook: xdp, interface: late, members: [] }'));
    world.inside('link', 'del', 'late');
  });

  test('--prune removes chains that no document names', () => {
    rootlet('apply', '-f', declare('hook: xdp\ninterface: v1\nmembers: [{ file: fw.o }]\n', 'other.yaml'));
    const file = declare('hook: xdp\ninterface: v0\nmembers: [{ file: fw.o }]\n');
    expect(rootlet('apply', '-f', file).out).not.toContain('v1');
    expect(onHook('v1')).toContain('xdp_chain');
    expect(rootlet('plan', '-f', file, '--prune')).toMatchObject({
      code: 2,
      out: 'xdp on v0: nothing to do (1 member)\nxdp on v1: the chain is removed\n  - fw\n',
    });
    expect(rootlet('apply', '-f', file, '--prune').code).toBe(0);
    expect(onHook('v1')).not.toContain('prog/xdp');
    expect(onHook('v0')).toContain('xdp_chain');
  });

  test('TC: both directions of one interface', () => {
    const file = declare(`hook: tc ingress
interface: v0
members: [{ file: shape.o, on: [next, pipe] }]
---
hook: tc egress
interface: v0
members: [{ file: shape.o, name: out, set: { verdict: 0 } }]
`);
    expect(rootlet('plan', '-f', file).code).toBe(2);
    expect(rootlet('apply', '-f', file)).toMatchObject({ code: 0 });
    expect(rootlet('apply', '-f', file).out).toBe(
      'tc ingress on v0: nothing to do (1 member)\ntc egress on v0: nothing to do (1 member)\n',
    );
    expect(rootlet('export', '-o', at('exported.yaml'))).toMatchObject({ code: 0, err: '' });
    expect(rootlet('plan', '-f', at('exported.yaml')).code).toBe(0);
    const packets = at('packets.pcap');
    writeFileSync(packets, capture([60]));
    const plan = rootlet('plan', '-f', file, '--simulate', packets);
    expect(plan.out.match(/no verdict changes/g)).toHaveLength(2);
  });

  test('the unit for boot is valid', () => {
    const file = declare(TWO);
    const unit = rootlet('apply', '-f', file, '--install-unit');
    expect(unit).toMatchObject({ code: 0, err: '' });
    expect(unit.out).toContain('apply -f DIRECTORY/chain.yaml --wait 30\n');
    expect(rootlet('apply', '--install-unit').code).toBe(2);
  });
});
