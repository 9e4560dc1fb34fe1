/** `top`, `metrics`, `explain` and `xdp trace` on a chain that runs, as processes. */

import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeChain } from '../../src/chain/chains.ts';
import { findChainHook } from '../../src/chain/engine/hooks.ts';
import type { ChainEdit, MemberRequest } from '../../src/chain/model/edit.ts';
import type { ChainOptions } from '../../src/chain/options.ts';
import { readChain } from '../../src/chain/reading.ts';
import { readRuns } from '../../src/chain/runs.ts';
import { openById } from '../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../src/kernel/objects/program.ts';
import { openSys } from '../../src/kernel/open/koffi.ts';
import { inNetns } from '../../src/kernel/sys/netns.ts';
import { withLicense } from '../../src/link/passes/license.ts';
import { byteMember } from '../../src/link/watch/testing.ts';
import { InputObject } from '../../src/object/read/input.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { Store } from '../../src/store/store.ts';
import { type JsonSchema, schemaErrors } from '../../test/support/json-schema.ts';
import { needs } from '../../test/support/needs.ts';
import { type PrometheusSample, parsePrometheus } from '../../test/support/prometheus.ts';
import { CommandWorld } from '../testing.ts';

const { describe: describeIf } = needs('ip', 'bpf');

const TOP_SCHEMA: JsonSchema = JSON.parse(readFileSync('docs/schema/top.schema.json', 'utf8'));
interface TopDocument {
  readonly programs: readonly { readonly runsPerSecond: number; readonly nanoseconds: number | null }[];
}

function member(name: string, offset: number, license = 'GPL'): MemberRequest {
  const object = { ...withLicense(byteMember(name, 'xdp', offset), license), name: `${name}.bpf.o` };
  return { file: new InputObject({ name: object.name, bytes: writeObject(object) }), priority: 10 + offset };
}

/** Ethernet, IPv4, UDP from 10.0.0.1:53 to 10.0.0.2:9; the first bytes are the verdicts. */
function packet(...verdicts: readonly number[]): Uint8Array {
  const all = new Uint8Array(60);
  all.set([0x08, 0x00, 0x45], 12);
  all.set([64, 17], 22);
  all.set([10, 0, 0, 1, 10, 0, 0, 2, 0, 53, 0, 9], 26);
  all.set(verdicts);
  return all;
}

describeIf('commands that look at chains', () => {
  let world: CommandWorld;
  const sys = openSys();
  const inside = <T>(body: () => T): T => inNetns(sys, `/run/netns/rootlet-command-${process.pid}`, body);
  beforeAll(() => {
    world = new CommandWorld();
    const context = { sys, store: Store.open(sys, world.root), time: null };
    inside(() => {
      const members = [member('fw', 0), member('limit', 1)];
      changeChain(context, findChainHook(sys, 'v0', 'xdp'), { kind: 'load', members });
    });
  });
  afterAll(() => world.close());

  function send(...verdicts: readonly number[]): void {
    const context = { sys, store: Store.open(sys, world.root), time: null };
    const { program } = inside(() => readChain(context, findChainHook(sys, 'v0', 'xdp')));
    const fd = openById(sys, 'program', program?.id ?? 0);
    if (fd === undefined) throw new Error('nothing is attached');
    using loaded = BpfProgram.adopt(sys, fd);
    loaded.testRun({ data: packet(...verdicts) });
  }

  test('metrics are in the format of Prometheus', () => {
    const first = world.run(['metrics']);
    expect(first.err).toBe('rootlet: counting is on: v0 xdp\n');
    send(2, 1);
    send(2, 1);
    send(1, 0);
    const { out, err, code } = world.run(['metrics']);
    expect([err, code]).toEqual(['', 0]);
    const samples = parsePrometheus(out);
    const value = (name: string, labels: Readonly<Record<string, string>>): number | undefined =>
      samples.find(
        one => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text),
      )?.value;
    expect(value('rootlet_member_packets_total', { member: 'fw', verdict: 'PASS' })).toBe(2);
    expect(
      value('rootlet_member_packets_total', { member: 'fw', verdict: 'DROP', interface: 'v0', hook: 'xdp' }),
    ).toBe(1);
    expect(value('rootlet_member_packets_total', { member: 'limit', program: 'prog', verdict: 'DROP' })).toBe(
      2,
    );
    expect(value('rootlet_member_bytes_total', { member: 'fw' })).toBe(180);
    expect(value('rootlet_member_place', { member: 'limit' })).toBe(2);
    expect(value('rootlet_chain_counting', {})).toBe(1);
  });

  test('the textfile is replaced in one step', () => {
    const file = join(world.directory, 'rootlet.prom');
    expect(world.run(['metrics', '--textfile', file]).code).toBe(0);
    expect(parsePrometheus(readFileSync(file, 'utf8')).length).toBeGreaterThan(10);
    expect(readdirSync(world.directory).filter(name => name.includes('.tmp'))).toEqual([]);
    expect(world.run(['metrics', '--textfile', '/nowhere/x']).err).toContain('cannot be written');
  });

  test('the textfile goes through nothing that another user put there', () => {
    const shared = join(world.directory, 'collector');
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    const secret = join(world.directory, 'secret');
    writeFileSync(secret, 'secret');
    const file = join(shared, 'rootlet.prom');
    symlinkSync(secret, file);
    lchownSync(file, 65534, 65534);
    expect(world.run(['metrics', '--textfile', file]).err).toContain('it is a symbolic link of user 65534');
    rmSync(file);
    execFileSync('mkfifo', [file]);
    chownSync(file, 65534, 65534);
    expect(world.run(['metrics', '--textfile', file]).err).toContain('it is a pipe of user 65534');
    rmSync(file);
    linkSync(secret, file);
    expect(world.run(['metrics', '--textfile', file]).code).toBe(0);
    expect(parsePrometheus(readFileSync(file, 'utf8')).length).toBeGreaterThan(10);
    expect(readFileSync(secret, 'utf8')).toBe('secret');
    expect(readdirSync(shared)).toEqual(['rootlet.prom']);
  });

  test('metrics over HTTP, only with GET and only on one path', async () => {
    const server = started([...commandLine(world), 'metrics', '--listen', '127.0.0.1:0'], world);
    const url = (await server.until(/http:\/\/\S+/))[0];
    const fetched = (path: string, method = 'GET'): string =>
      world.inNamespace('node', '-e', FETCH, url.replace('/metrics', path), method);
    world.inside('link', 'set', 'lo', 'up');
    const answer = JSON.parse(fetched('/metrics')) as { status: number; type: string; body: string };
    expect([answer.status, answer.type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const samples: readonly PrometheusSample[] = parsePrometheus(answer.body);
    expect(samples.map(({ name }) => name)).toContain('rootlet_member_packets_total');
    expect(JSON.parse(fetched('/'))).toMatchObject({ status: 404 });
    expect(JSON.parse(fetched('/metrics', 'POST'))).toMatchObject({ status: 405 });
    server.process.kill('SIGINT');
    expect(await server.ended).toBe(0);
  });

  test('top prints rates, and leaves the switch as it was', () => {
    expect(world.run(['top', '--off']).err).toBe('rootlet: counting is off: v0 xdp\n');
    const { out, code } = world.run(['top', 'v0', '--once', '--interval', '0.05', '--time']);
    expect(code).toBe(0);
    expect(out).toMatch(/^on +hook +entry +program +runs\/s +ns\nv0 +xdp +\S+ +\S+ +0 +-\n\n/);
    expect(out).toMatch(/^interface {2}hook {2}member +packets\/s +bits\/s +ns +verdicts/m);
    expect(out).toMatch(/v0 +xdp +fw +0 +0 +-/);
    expect(world.run(['metrics', '--as-is']).out).toContain(
      'rootlet_chain_counting{interface="v0",hook="xdp"} 0\n',
    );
    expect(world.run(['top', '--interval', '0']).err).toContain('not between 0.01 and 86400 seconds');
    expect(world.run(['top', 'v1', '--once']).err).toContain('no program is on interface "v1"');
    expect(world.run(['top', 'v1', '--once', '--json']).out).toContain('"watch-no-program"');
    expect(world.run(['top', 'nix', '--once']).code).not.toBe(0);
    expect(world.run(['top', 'v1', '--off', '--json']).out).toContain('"watch-no-chain"');
  });

  test('top counts the runs of programs while it looks, and no longer', async () => {
    const run = started([...commandLine(world), 'top', 'v0', '--json', '--interval', '0.2'], world);
    const frame = async (from: number): Promise<TopDocument> => {
      const [, text = ''] = await run.until(new RegExp(`(?:.*\\n){${from}}(.*)\\n`));
      return JSON.parse(text) as TopDocument;
    };
    expect(await frame(0)).toMatchObject({
      runsCounted: true,
      programs: [{ place: 'v0', runsPerSecond: 0 }],
    });
    expect(schemaErrors(await frame(0), TOP_SCHEMA)).toEqual([]);
    for (let sent = 0; sent < 50; sent++) send(2, 1);
    const frames = [await frame(1), await frame(2), await frame(3)];
    const counted = frames.map(({ programs: [program] }) => (program?.runsPerSecond ?? 0) * 0.2);
    expect(counted.reduce((sum, runs) => sum + runs, 0)).toBeGreaterThan(5); // intervals may be longer
    expect(frames.some(({ programs: [program] }) => (program?.nanoseconds ?? 0) > 0)).toBe(true);
    run.process.kill('SIGINT');
    await run.ended;
    const runs = (): bigint => {
      const context = { sys, store: Store.open(sys, world.root), time: null };
      return inside(() => readRuns(context, 'v0', 0n).programs[0]?.runs ?? -1n);
    };
    const before = runs();
    send(2, 1);
    expect(runs()).toBe(before);
  });

  test('a chain without counters, and one whose packets cannot be traced', () => {
    const codesOf = (...words: readonly string[]) => {
      const { problems } = JSON.parse(world.run([...words, '--json']).out) as {
        problems: { code: string }[];
      };
      return problems.map(({ code }) => code);
    };
    const change = (edit: ChainEdit, options: ChainOptions = {}) => {
      const context = { sys, store: Store.open(sys, world.root), time: null };
      inside(() => changeChain(context, findChainHook(sys, 'v1', 'xdp'), edit, options));
    };
    change({ kind: 'load', members: [member('free', 0, 'Proprietary')] });
    expect(codesOf('xdp', 'trace', 'v1')).toEqual(['watch-no-trace']);
    change({ kind: 'unload', members: 'all' });
    change({ kind: 'load', members: [member('plain', 0)] }, { counters: false });
    expect(codesOf('xdp', 'trace', 'v1')).toEqual(['watch-no-counters']);
    expect(world.run(['top', 'v1', '--once', '--interval', '0.02']).out).toMatch(
      /v1 +xdp +plain +- +- +- +not counted: loaded without counters/,
    );
    change({ kind: 'unload', members: 'all' });
  });

  test('explain says what is not known', () => {
    const { out } = world.run(['explain', 'v0']);
    expect(out).toContain('fw can return verdicts that its code does not show: a value that it computes');
    expect(world.json('explain', 'v0')).toMatchObject({
      ok: true,
      chains: [{ members: [{ name: 'fw' }, { name: 'limit' }] }],
    });
  });

  test('xdp trace prints packets with the member that decided', async () => {
    const line = [...commandLine(world), 'xdp', 'trace'];
    const run = started([...line, 'v0', '--count', '2', '--verdict', 'drop'], world);
    let isOver = false;
    void run.ended.then(() => {
      isOver = true;
    });
    for (let tries = 0; tries < 200 && !isOver; tries++) {
      send(1, 0);
      send(2, 3);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    expect(await run.ended).toBe(0);
    const lines = run.output().trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^0\.000000 {2}fw +DROP +60 {2}10\.0\.0\.1:53 > 10\.0\.0\.2:9 UDP$/);
    const wrong = started([...line, 'v0', '--member', 'nix'], world);
    expect(await wrong.ended).toBe(2);
  });
});

const FETCH = `
const [url, method] = process.argv.slice(1);
fetch(url, { method }).then(async answer => console.log(JSON.stringify({
  status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() })));`;

function commandLine(world: CommandWorld): string[] {
  const command = join(world.directory, 'rootlet.mjs');
  return ['nsenter', `--net=/run/netns/rootlet-command-${process.pid}`, process.execPath, command];
}

function started(line: readonly string[], world: CommandWorld) {
  const env = { ...process.env, ROOTLET_BPFFS: world.root };
  const child = spawn(line[0] ?? '', line.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let all = '';
  child.stdout.on('data', (bytes: Buffer) => {
    all += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    all += bytes.toString();
  });
  const ended = new Promise<number | null>(resolve => child.on('close', code => resolve(code)));
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (let tries = 0; tries < 400; tries++) {
      const found = pattern.exec(all);
      if (found !== null) return found;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    throw new Error(`no ${pattern} in ${all}`);
  };
  return { process: child, ended, until, output: () => all };
}

describe('the parser of the test', () => {
  test('refuses what is not the format', () => {
    for (const wrong of [
      'a 1\n',
      '# TYPE a counter\na{b="c} 1\n',
      '# TYPE a counter\na 1',
      '# TYPE a counter\na{b="c"} x\n',
    ])
      expect(() => parsePrometheus(wrong)).toThrow();
  });
});
