/** Desired state in a real etcd: revisions, conflicts, hostile records, watches over restarts and compaction, TLS and roles. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RootletError } from '../../../src/diag/problem.ts';
import { runAgent } from '../../../src/fleet/agent/agent.ts';
import {
  putDocuments,
  putRevision,
  readCurrent,
  requireRevision,
  rollBack,
} from '../../../src/fleet/desired/desired.ts';
import { documentsFor } from '../../../src/fleet/desired/documents.ts';
import { FleetKeys } from '../../../src/fleet/desired/keys.ts';
import { MOST_DOCUMENT, readTarget } from '../../../src/fleet/desired/revision.ts';
import { Etcd } from '../../../src/fleet/etcd/client.ts';
import { watchKeys } from '../../../src/fleet/etcd/watch.ts';
import { SYSTEM_CLOCK } from '../../../src/fleet/io/clock.ts';
import { ObjectCache } from '../../../src/fleet/objects/cache.ts';
import { ANY_SIGNATURE } from '../../../src/fleet/objects/policy.ts';
import { ObjectRegistry } from '../../../src/fleet/objects/registry.ts';
import { readHosts } from '../../../src/fleet/rollout/hosts.ts';
import { beginRollout, leadRollout, readNewestRollout } from '../../../src/fleet/rollout/lead.ts';
import { SimulatedHost, SimulatedMemory } from '../../../src/fleet/testing.ts';
import { needs } from '../../support/needs.ts';
import { makeAuthority, type Server, startEtcd } from '../../support/servers.ts';

vi.setConfig({ testTimeout: 40_000, hookTimeout: 40_000 });

const NOTE = { author: 'me', message: '', time: 1 };
const document = (text = ''): string => `hook: xdp\ninterface: eth0\nmembers: []\n${text}`;

async function codeOf(body: () => unknown): Promise<string> {
  try {
    await body();
  } catch (error) {
    if (error instanceof RootletError) return error.code;
    throw error;
  }
  return 'none';
}

const lab = needs('etcd', 'curl');

lab.describe('etcd', () => {
  let server: Server;
  let etcd: Etcd;
  let fleets = 0;
  const newFleet = () => ({ etcd, keys: new FleetKeys(`fleet-${fleets++}`) });
  const put = (fleet: ReturnType<typeof newFleet>, text: string, more: object = {}) =>
    putDocuments(
      fleet,
      { ...NOTE, name: 'chain.yaml', document: text, ...more },
      async () => `sha256:${'0'.repeat(64)}`,
    );

  beforeAll(async () => {
    server = await startEtcd();
    etcd = new Etcd({ endpoints: ['http://127.0.0.1:1', server.url], timeout: 2_000 });
  });
  afterAll(async () => {
    etcd?.close();
    await server?.close();
  });

  test('each change is a revision, and a rollback is a newer one', async () => {
    const fleet = newFleet();
    for (const text of ['# 1\n', '# 2\n']) await put(fleet, document(text));
    expect(await codeOf(() => put(fleet, document(), { after: 1 }))).toBe('fleet-conflict');
    const current = await readCurrent(fleet);
    const { document: second, objects } = await requireRevision(fleet, 2);
    const assign = { current, targetOf: (stable: number) => ({ stable, next: null }) };
    await putRevision(fleet, { ...NOTE, document: second, objects, assign });
    expect(await codeOf(() => putRevision(fleet, { ...NOTE, document: second, objects, assign }))).toBe(
      'fleet-conflict',
    );
    const back = await rollBack(fleet, undefined, NOTE);
    expect(back).toMatchObject({ revision: 4, rollbackOf: 1 });
    expect(back.content).toBe((await requireRevision(fleet, 1)).content);
    expect((await readCurrent(fleet)).target).toEqual({ stable: 4, next: null });
    expect(await codeOf(() => requireRevision(fleet, 9))).toBe('fleet-revision');
  });

  test('of many operators at once, each revision has one', async () => {
    const fleet = newFleet();
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, (_, at) => put(fleet, document(`# ${at}\n`))),
    );
    const written = results.flatMap(one => (one.status === 'fulfilled' ? [one.value.revision] : []));
    expect(new Set(written).size).toBe(written.length);
    expect(Math.max(...written)).toBe(written.length);
    for (const one of results)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'fleet-conflict' });
  });

  test('documents are checked before they are written', async () => {
    const fleet = newFleet();
    const cases = [
      ['hook: xpd\n', 'chain-document-value'],
      [document('hosts: { "a b": c }\n'), 'chain-document-key'],
      [document('hosts: { role: "a b" }\n'), 'chain-document-value'],
      [document().replace('[]', '[{ file: a.o }]'), 'fleet-member'],
      [document().replace('[]', '[{ file: "oci://x" }]'), 'oci-reference'],
      [document(`# ${'x'.repeat(MOST_DOCUMENT)}\n`), 'chain-document-limit'],
    ] as const;
    for (const [text, code] of cases) expect(await codeOf(() => put(fleet, text))).toBe(code);
    expect(await codeOf(() => requireRevision(fleet, 1))).toBe('fleet-revision');
    expect(await codeOf(() => new FleetKeys('../x'))).toBe('fleet-option');
  });

  test('two documents for one hook of a host are refused there, and those of other hosts are not its own', () => {
    const text = `${document('hosts: { role: edge }\n')}---\n${document('hosts: { zone: [a, b], name: "!x" }\n')}`;
    const revision = { revision: 1, document: text, objects: [] };
    const count = (labels: Readonly<Record<string, string>>) =>
      documentsFor(revision, new Map(Object.entries(labels))).chains.length;
    expect(count({ role: 'edge' })).toBe(1);
    expect(count({ zone: 'b' })).toBe(1);
    expect(count({ zone: 'b', name: 'x' })).toBe(0);
    expect(() => count({ role: 'edge', zone: 'a' })).toThrow(
      expect.objectContaining({ code: 'chain-document-duplicate' }),
    );
  });

  test('records that others wrote', async () => {
    const fleet = newFleet();
    const values = [
      '',
      '{',
      '[]',
      '{"stable":-1,"next":null}',
      '{"stable":1,"next":{"revision":0}}',
      '{"stable":1e99,"next":null}',
    ];
    for (const value of values) expect(await codeOf(() => readTarget('k', value))).toBe('fleet-record');
    await etcd.put(fleet.keys.revision(1), '{"revision":2,"document":"","content":"","objects":[],"time":0}');
    expect(await codeOf(() => requireRevision(fleet, 1))).toBe('fleet-record');
    await etcd.put(fleet.keys.status('a'), '{"host":"b"}');
    await etcd.put(fleet.keys.alive('a'), 'x');
    expect(await readHosts(fleet)).toMatchObject([{ host: 'a', status: undefined, isAlive: true }]);
  });

  test('a watch goes on after a restart and a compaction, with the newest value', async () => {
    let restarts = 0;
    const [end, seen, connected] = [new AbortController(), new Map<string, string>(), [] as boolean[]];
    const handler = {
      restarted: () => {
        restarts++;
        seen.clear();
      },
      changed: (key: string, found: { readonly value: string } | undefined) => {
        if (found === undefined) seen.delete(key);
        else seen.set(key, found.value);
      },
      connected: (is: boolean) => {
        connected.push(is);
      },
    };
    const watched = [{ key: '/w/one' }, { key: '/w/many/', isPrefix: true }];
    const watching = watchKeys(etcd, watched, handler, SYSTEM_CLOCK, end.signal, 1_000).catch(
      () => undefined,
    );
    await etcd.put('/w/one', '1');
    await vi.waitFor(() => expect(seen.get('/w/one')).toBe('1'));
    await etcd.put('/w/many/a', '1');
    await vi.waitFor(() => expect(seen.get('/w/many/a')).toBe('1'));
    await server.kill();
    await vi.waitFor(() => expect(connected.at(-1)).toBe(false), 5_000);
    await server.start();
    await etcd.transact([], [{ delete: '/w/many/a' }]);
    for (let value = 2; value < 20; value++) await etcd.put('/w/one', String(value));
    const { revision } = await etcd.get('/w/one');
    execFileSync('curl', ['-s', `${server.url}/v3/kv/compaction`, '-d', `{"revision":"${revision}"}`]);
    await vi.waitFor(() => expect([...seen]).toEqual([['/w/one', '19']]), 10_000);
    // begun again from time to time, whatever happens
    const before = restarts;
    await vi.waitFor(() => expect(restarts).toBeGreaterThan(before + 1), 10_000);
    await vi.waitFor(() => expect([...seen]).toEqual([['/w/one', '19']]));
    expect(connected.filter(is => !is).length).toBeLessThan(8);
    end.abort();
    await watching;
  });

  test('an agent that is killed before or after each thing that it keeps has the newest revision after a restart', async () => {
    const fleet = newFleet();
    const directory = mkdtempSync(join(tmpdir(), 'rootlet-killed-'));
    using registry = new ObjectRegistry();
    const assignAll = async (text: string) => {
      const assign = {
        current: await readCurrent(fleet),
        targetOf: (stable: number) => ({ stable, next: null }),
      };
      return (await put(fleet, document(text), { assign })).revision;
    };
    let kills = 0;
    for (let step = 1; step <= 8; step++) {
      const memory = new SimulatedMemory(`killed-${step}`);
      const applied: number[] = [];
      const kernel = new SimulatedHost();
      const start = (dies: number) => {
        const end = new AbortController();
        let writes = 0;
        const death = new Error('killed');
        const mortal = {
          read: () => memory.read(),
          write: (next: typeof memory.memory) => {
            writes++;
            if (writes === dies) throw death; // before it is written
            memory.write(next);
            applied.push(next.good === null ? 0 : next.good.revision);
            if (writes + 0.5 === dies) throw death; // after
          },
        };
        const agent = async () =>
          runAgent(
            {
              ...{ host: `killed-${step}`, labels: new Map(), ...fleet, boot: 'b', lease: 5, report: 1 },
              objects: { registry, policy: ANY_SIGNATURE, cache: new ObjectCache(directory) },
              ...{ kernel, memory: mortal },
            },
            end.signal,
          );
        const running = agent().catch(error => {
          expect(error).toBe(death);
          kills++;
        });
        return { end, running };
      };
      await assignAll(`# before ${step}\n`);
      const dies = step / 2 + 0.5; // 1, 1.5, 2, …
      const first = start(dies);
      await Promise.race([first.running, vi.waitFor(() => expect(applied.at(-1)).toBeGreaterThan(0))]);
      const newest = await assignAll(`# after ${step}\n`);
      await Promise.race([first.running, vi.waitFor(() => expect(applied.at(-1)).toBe(newest))]);
      first.end.abort();
      await first.running;
      const second = start(Number.POSITIVE_INFINITY);
      await vi.waitFor(() => expect(applied.at(-1)).toBe(newest), 5_000);
      second.end.abort();
      await second.running;
      expect(applied).toEqual([...applied].sort((a, b) => a - b));
      expect(memory.memory).toMatchObject({ seen: newest, good: { revision: newest } });
    }
    expect(kills).toBeGreaterThanOrEqual(6);
    rmSync(directory, { recursive: true, force: true });
  });

  test('simulated hosts: of two leaders one leads; a revision that a host refuses is taken back everywhere', async () => {
    const fleet = newFleet();
    const end = new AbortController();
    const directory = mkdtempSync(join(tmpdir(), 'rootlet-simulated-'));
    using registry = new ObjectRegistry();
    const refuse = ({ chains }: { readonly chains: readonly { readonly counters: boolean }[] }) =>
      chains.some(({ counters }) => !counters) ? 'a bad program' : undefined;
    const agents = Array.from({ length: 20 }, (_, at) =>
      runAgent(
        {
          ...{ host: `host-${at}`, labels: new Map(), ...fleet, boot: 'b', lease: 5, report: 1 },
          objects: { registry, policy: ANY_SIGNATURE, cache: new ObjectCache(directory) },
          ...{ kernel: new SimulatedHost({ refuse }), memory: new SimulatedMemory(`agent-${at}`) },
        },
        end.signal,
      ),
    );
    const bounds = { mostDropped: 0.2, mostAborted: 0.01, settle: 0.5, timeout: 20 };
    const roll = async (text: string) => {
      const { revision } = await put(fleet, document(text));
      await beginRollout(fleet, { revision, waves: [{ hosts: 2 }, { share: 1 }], bounds, author: 'me' });
      expect(await codeOf(() => beginRollout(fleet, { revision, waves: [], bounds, author: 'me' }))).toBe(
        'fleet-conflict',
      );
      const lines: string[][] = [[], []];
      const ended = await Promise.all(
        lines.map(log => leadRollout(fleet, { interval: 50, lease: 2, log: line => log.push(line) })),
      );
      expect(lines.filter(log => log.includes('this process leads the rollout'))).toHaveLength(1);
      expect(ended[0]).toEqual(ended[1]);
      return { revision, state: ended[0]?.state };
    };
    await vi.waitFor(async () => expect(await readHosts(fleet)).toHaveLength(20), 10_000);
    const good = await roll('# good\n');
    expect(good.state).toBe('done');
    const bad = await roll('counters: false\n');
    expect(bad.state).toBe('rolled-back');
    expect((await readNewestRollout(fleet))?.causes[0]).toMatch(
      /^host-\d+: verifier-refused: a bad program$/,
    );
    await vi.waitFor(async () => {
      const hosts = await readHosts(fleet);
      expect(hosts.map(({ status }) => status?.revision)).toEqual(hosts.map(() => bad.revision + 1));
    }, 10_000);
    const tried = (await readHosts(fleet)).filter(({ status }) => status?.revision === bad.revision);
    expect(tried).toEqual([]);
    // a leader that was killed: its key stays for the time of its lease
    const lease = await etcd.grant(2);
    await etcd.put(fleet.keys.leader, 'killed', lease);
    expect((await roll('# again\n')).state).toBe('done');
    // a host that has had a newer revision, as after etcd was restored from a copy
    const memory = new SimulatedMemory('restored');
    memory.memory = {
      ...memory.memory,
      seen: 99,
      good: { ...(await requireRevision(fleet, 1)), revision: 98 },
    };
    const kernel = new SimulatedHost();
    agents.push(
      runAgent(
        {
          ...{ host: 'restored', labels: new Map(), ...fleet, boot: 'b', lease: 5, report: 1 },
          objects: { registry, policy: ANY_SIGNATURE, cache: new ObjectCache(directory) },
          ...{ kernel, memory },
        },
        end.signal,
      ),
    );
    await vi.waitFor(async () => {
      const restored = (await readHosts(fleet)).find(({ host }) => host === 'restored');
      expect(restored?.status).toMatchObject({
        state: 'older',
        revision: 98,
        problems: [{ code: 'fleet-older' }],
      });
    }, 10_000);
    end.abort();
    await Promise.all(agents);
    rmSync(directory, { recursive: true, force: true });
  });
});

needs('etcd', 'etcdctl', 'openssl').describe('TLS and roles', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-roles-'));
  let server: Server;
  let open: (name: string, password: string, certificate?: 'own' | 'none' | 'named') => Etcd;
  const opened: Etcd[] = [];
  const keys = new FleetKeys('default');

  beforeAll(async () => {
    const authority = makeAuthority(join(directory, 'pki'));
    const [own, client] = [authority.issue('server'), authority.issue('client', '/O=fleet')];
    server = await startEtcd({ tls: { ca: authority.ca, ...own } });
    const named = authority.issue('named');
    const read = (path: string): string => readFileSync(path, 'utf8');
    const tls = { ca: read(authority.ca), cert: read(client.cert), key: read(client.key) };
    const etcdctl = (...words: readonly string[]): void => {
      const flags = [
        `--endpoints=${server.url}`,
        `--cacert=${authority.ca}`,
        `--cert=${client.cert}`,
        `--key=${client.key}`,
      ];
      execFileSync('etcdctl', [...flags, ...words], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ETCDCTL_API: '3' },
      });
    };
    // as docs/fleet.md has it
    etcdctl('user', 'add', 'root:root');
    etcdctl('role', 'add', 'operator');
    etcdctl('role', 'grant-permission', 'operator', '--prefix=true', 'readwrite', '/rootlet/v1/');
    etcdctl('user', 'add', 'alice:secret');
    etcdctl('user', 'grant-role', 'alice', 'operator');
    etcdctl('role', 'add', 'agent');
    etcdctl('role', 'grant-permission', 'agent', '--prefix=true', 'read', '/rootlet/v1/default/desired/');
    for (const host of ['edge-1', 'edge-2']) {
      etcdctl('role', 'add', `host-${host}`);
      etcdctl(
        'role',
        'grant-permission',
        `host-${host}`,
        '--prefix=true',
        'readwrite',
        `/rootlet/v1/default/hosts/${host}/`,
      );
      etcdctl('user', 'add', `${host}:secret-${host}`);
      for (const role of ['agent', `host-${host}`]) etcdctl('user', 'grant-role', host, role);
    }
    etcdctl('user', 'grant-role', 'root', 'root');
    etcdctl('auth', 'enable');
    const certificates = {
      own: tls,
      none: { ca: tls.ca },
      named: { ca: tls.ca, cert: read(named.cert), key: read(named.key) },
    };
    open = (name, password, certificate = 'own') => {
      const user = { name, password };
      const etcd = new Etcd({
        endpoints: [server.url],
        tls: certificates[certificate],
        user,
        timeout: 3_000,
      });
      opened.push(etcd);
      return etcd;
    };
  });
  afterAll(async () => {
    for (const one of opened) one.close();
    await server?.close();
    rmSync(directory, { recursive: true });
  });

  test('an agent reads the desired state and writes its own report, and nothing else', async () => {
    const etcd = open('edge-1', 'secret-edge-1');
    expect(await codeOf(() => etcd.get(keys.target))).toBe('none');
    const lease = await etcd.grant(5);
    await etcd.put(keys.alive('edge-1'), 'x', lease);
    await etcd.put(keys.status('edge-1'), 'x');
    const denied = [
      () => etcd.put(keys.target, '{"stable":1,"next":null}'),
      () => etcd.put(keys.revision(1), 'x'),
      () => etcd.put(keys.status('edge-2'), 'x'),
      () => etcd.get(keys.status('edge-2')),
      () => etcd.put(keys.leader, 'x'),
      () => etcd.transact([], [{ put: keys.drained('edge-2'), value: 'x' }]),
      () => etcd.all('/rootlet/v1/'),
    ];
    for (const body of denied) expect(await codeOf(body)).toBe('fleet-denied');
  });

  test('wrong passwords and missing certificates', async () => {
    expect(await codeOf(() => open('edge-1', 'wrong').get(keys.target))).toBe('fleet-denied');
    expect(await codeOf(() => open('edge-1', 'secret-edge-1', 'none').get(keys.target))).toBe('fleet-etcd');
    const named = open('edge-1', 'secret-edge-1', 'named');
    await expect(named.get(keys.target)).rejects.toMatchObject({
      problems: [{ code: 'fleet-denied', hint: expect.stringContaining('without a common name') }],
    });
  });

  test('an agent with these rights runs what an operator writes', async () => {
    const fleet = { etcd: open('alice', 'secret'), keys };
    const end = new AbortController();
    using registry = new ObjectRegistry();
    const agent = runAgent(
      {
        ...{
          host: 'edge-1',
          labels: new Map(),
          keys,
          etcd: open('edge-1', 'secret-edge-1'),
          boot: 'b',
          report: 1,
          lease: 5,
        },
        objects: { registry, policy: ANY_SIGNATURE, cache: new ObjectCache(directory) },
        ...{ kernel: new SimulatedHost(), memory: new SimulatedMemory('x') },
      },
      end.signal,
    );
    const current = await readCurrent(fleet);
    const assign = { current, targetOf: (stable: number) => ({ stable, next: null }) };
    const { revision } = await putRevision(fleet, { ...NOTE, document: document(), objects: [], assign });
    await vi.waitFor(async () => {
      const [host] = await readHosts(fleet);
      expect(host).toMatchObject({ isAlive: true, status: { state: 'running', revision } });
    }, 10_000);
    end.abort();
    await agent;
  });
});

describe('where no etcd is', () => {
  test('is a problem with its address and what to do', async () => {
    using etcd = new Etcd({ endpoints: ['http://127.0.0.1:1'], timeout: 500 });
    await expect(etcd.get('/x')).rejects.toMatchObject({
      code: 'fleet-etcd',
      problems: [{ subject: 'http://127.0.0.1:1' }],
    });
  });
});
