/** `rootlet xdp` as an operator uses it: on interfaces of a network namespace of its own. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { compileInto } from '../../support/compile.ts';
import { type JsonSchema, schemaErrors } from '../../support/json-schema.ts';
import { needs } from '../../support/needs.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { counting } from './sources.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // every command is a process

const SCHEMA: JsonSchema = JSON.parse(readFileSync('docs/schema/chain-status.schema.json', 'utf8'));
const [PASS, TX] = [2, 3];

needs('root', 'bpf', 'clang', 'ip').describe('rootlet xdp', () => {
  let shell: PrivateShell;

  beforeAll(async () => {
    shell = await PrivateShell.open();
    compileInto(shell.directory, {
      wall: counting('xdp_wall', PASS),
      count: counting('xdp_count', PASS, { priority: 20 }),
      mirror: counting('xdp_mirror', TX),
      two: `${counting('xdp_a', PASS)}\nSEC("xdp.frags") int xdp_b(struct xdp_md *ctx) { return verdict; }`,
      probe: counting('probe', 0, { section: 'kprobe/none', context: 'void' }),
    });
    shell.must('mount -t bpf bpf /sys/fs/bpf && ip link add v0 type veth peer name v1 && ip link set v0 up');
  });
  afterAll(() => shell?.close());

  beforeEach(() => {
    shell.run('rootlet xdp unload v0 --all --force');
  });

  const members = (): string[] =>
    shell
      .must('rootlet xdp status v0')
      .split('\n')
      .filter(line => line.startsWith(' =>'));
  const names = (): (string | undefined)[] =>
    members().map(
      line =>
        line
          .slice(72)
          .trim()
          .split(/\s{2,}/)[1],
    );
  const refused = (line: string, code: number, text: RegExp): void => {
    const result = shell.run(line);
    expect([line, result.code]).toEqual([line, code]);
    expect(result.text).toMatch(text);
  };

  test('load prints the members in order, with the reasons', () => {
    const first = shell.must('rootlet xdp load v0 wall.o --prio 10');
    expect(first).toMatch(
      /^loaded wall on v0 \(native mode, static: .+\), entry xdp-v0, optimized \(single\)\n {2}wall {2}runs 1st/,
    );
    const text = shell.must('rootlet xdp load v0 count.o mirror.o@tx');
    expect(
      text
        .split('\n')
        .slice(1, 4)
        .map(line => line.replace(/ {2,}/g, '  ')),
    ).toEqual([
      '  wall  runs 1st: priority 10, lower runs first  continues on XDP_PASS  wall.o',
      '  count  runs 2nd: priority 20, lower runs first  continues on XDP_PASS  count.o  new',
      '  mirror  runs 3rd: priority 50, lower runs first  continues on XDP_TX  mirror.o  new',
    ]);
    expect(text).toContain('\nstate kept: wall:');
    expect(names()).toEqual(['wall', 'count', 'mirror']);
  });

  test('a dry run changes nothing', () => {
    expect(shell.must('rootlet xdp load v0 wall.o --dry-run')).toMatch(/^would load wall on v0/);
    expect(members()).toEqual([]);
    shell.must('rootlet xdp load v0 wall.o');
    for (const line of ['replace v0 wall mirror.o', 'unload v0 wall', 'unload v0 -a']) {
      expect(shell.must(`rootlet xdp ${line} --dry-run`)).toMatch(/^would /);
      expect(names()).toEqual(['wall']);
    }
  });

  test('replace keeps place and state, order changes priorities', () => {
    shell.must('rootlet xdp load v0 a=wall.o b=count.o -P 7');
    const replaced = shell.must('rootlet xdp replace v0 a wall.o --set verdict=3');
    expect(replaced).toMatch(/^replaced a on v0/);
    expect(names()).toEqual(['b', 'a']); // xdp_count, xdp_wall
    expect(shell.must('rootlet xdp order v0 a,b')).toMatch(/^ordered v0: a, b \(/);
    expect(members().map(line => line.split(/\s+/).slice(2, 4))).toEqual([
      ['10', 'xdp_wall'],
      ['20', 'xdp_count'],
    ]);
  });

  test('unload by name, by the id of the program on the hook, and all', () => {
    shell.must('rootlet xdp load v0 wall.o count.o');
    expect(shell.must('rootlet xdp unload v0 wall')).toMatch(/^unloaded wall from v0/);
    expect(names()).toEqual(['count']);
    const id = shell.must('rootlet xdp status v0 | awk \'$1 == "v0" { print $4 }\'').trim();
    expect(shell.must(`rootlet xdp unload v0 -i ${id}`)).toMatch(/no program is attached any more/);
    expect(shell.must('rootlet xdp status v0')).toContain('v0                     <No XDP program loaded!>');
    shell.must('rootlet xdp load v0 wall.o');
    shell.must('rootlet xdp unload -a v0');
    expect(members()).toEqual([]);
  });

  test('mistakes are one line with the way out, and the hook stays as it is', () => {
    shell.must('rootlet xdp load v0 wall.o count.o');
    const before = shell.must('rootlet xdp status v0');
    refused('rootlet xdp unload v0', 2, /specify what to unload.*\n {2}hint: members are: "count", "wall"/);
    refused('rootlet xdp unload v0 --all wall', 2, /--all unloads all members/);
    for (const words of ['', '--all wall'])
      expect(shell.run(`rootlet xdp unload v0 ${words} --json`).text).toContain('"usage-members"');
    refused('rootlet xdp unload v0 wal', 2, /no member "wal"\n {2}hint: did you mean "wall"/);
    refused('rootlet xdp unload v0 -i 4000000000', 2, /no member with program id 4000000000/);
    refused('rootlet xdp load v9 wall.o', 2, /no network interface "v9"/);
    refused('rootlet xdp load v0 wall.o', 2, /a member "wall" already\n {2}hint: --name/);
    refused('rootlet xdp load v0 wall.o count.o --name x', 2, /--name names one member/);
    refused('rootlet xdp load v0 probe.o', 2, /no program is for xdp/);
    refused('rootlet xdp load v0 two.o', 2, /several programs are for xdp/);
    refused('rootlet xdp load v0 new=wall.o --on bounce', 2, /"bounce" is not a valid verdict/);
    refused('rootlet xdp load v0 nothing.o', 1, /nothing\.o: cannot be read/);
    refused('rootlet xdp load v0', 2, /FILE is missing/);
    refused('rootlet xdp load v0 new=wall.o -m drv', 2, /--mode: "drv" is not a mode/);
    refused('rootlet xdp load v0 new=wall.o -P -1', 2, /--prio/);
    refused('rootlet xdp load v0 new=wall.o --set limit=1', 2, /no variable "limit"/);
    refused('rootlet xdp order v0 wall', 2, /every member once: "count" is missing/);
    refused('rootlet xdp replace v0 nothing wall.o', 2, /no member "nothing"/);
    refused('rootlet xdp bump v0', 2, /there is no command "bump"/);
    expect(shell.must('rootlet xdp status v0')).toBe(before);
  });

  test('with --json everything is fields, and status is what the schema describes', () => {
    const loaded = shell.json('rootlet xdp load v0 wall.o mirror.o@tx,drop --set wall:verdict=2 --json');
    expect(loaded).toMatchObject({
      schemaVersion: 1,
      ok: true,
      dryRun: false,
      changed: true,
      via: 'static',
      before: { kind: 'none', members: [] },
      after: { kind: 'chain', members: [{ name: 'mirror' }, { name: 'wall' }] },
    });
    for (const line of ['status v0', 'status']) {
      const document = shell.json(`rootlet xdp ${line} --json`);
      expect(schemaErrors(document, SCHEMA)).toEqual([]);
      expect(document).toMatchObject({
        chains: expect.arrayContaining([
          expect.objectContaining({
            hook: expect.objectContaining({ interface: 'v0', kind: 'xdp', direction: null }),
            members: [
              expect.objectContaining({ name: 'mirror', position: 1, continueOn: ['drop', 'tx'] }),
              expect.objectContaining({ name: 'wall', settings: [{ variable: 'verdict', value: 2 }] }),
            ],
          }),
        ]),
      });
    }
    const { text, code } = shell.run('rootlet xdp status v9 --json');
    expect(code).toBe(2);
    expect(schemaErrors(JSON.parse(text), SCHEMA)).toEqual([]);
  });

  test('--watch prints again and again without escapes, and ends with a signal', async () => {
    shell.must('rootlet xdp load v0 wall.o');
    const { text } = shell.run('rootlet xdp status v0 --watch --interval 0.1 | head -n 14');
    expect(text).not.toContain('\u001b');
    expect(text.match(/CURRENT XDP PROGRAM STATUS/g)).toHaveLength(2);
    const ended = shell.run('rootlet xdp status v0 --watch > out & sleep 1; kill -INT $!; wait $!');
    expect(ended).toEqual({ code: 0, text: '' });
  });

  test('help is for the group and for each command', () => {
    expect(shell.must('rootlet xdp')).toContain('Usage: rootlet xdp COMMAND');
    for (const line of ['rootlet xdp --help', 'rootlet xdp help', 'rootlet help xdp'])
      expect(shell.must(line)).toBe(shell.must('rootlet xdp'));
    expect(shell.must('rootlet xdp unload --help')).toContain('IFACE NAME...|-i ID|-a\n');
    for (const command of ['load', 'unload', 'replace', 'order', 'status'])
      expect(shell.must(`rootlet xdp ${command} --help`)).toContain(`rootlet xdp ${command} `);
  });
});
