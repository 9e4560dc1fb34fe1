/**
 * `npm run bench:fleet`: real agents in network namespaces with traffic through a good and two bad rollouts, with etcd killed,
 * restarted and compacted in the middle; then simulated agents, whose protocol is real. The run fails when a host is left
 * on a bad revision, or when a host does not converge. Needs root, etcd, docker-registry, clang and iproute2.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { putDocuments, readCurrent } from '../src/fleet/desired/desired.ts';
import { FleetKeys } from '../src/fleet/desired/keys.ts';
import { Etcd } from '../src/fleet/etcd/client.ts';
import { parseReference } from '../src/fleet/objects/reference.ts';
import { ObjectRegistry } from '../src/fleet/objects/registry.ts';
import { pushObject, resolveReference } from '../src/fleet/objects/transfer.ts';
import { readHosts } from '../src/fleet/rollout/hosts.ts';
import { beginRollout, leadRollout } from '../src/fleet/rollout/lead.ts';
import { InputObject } from '../src/object/read/input.ts';
import { counting, REFUSED } from '../test/e2e/chain/declared-sources.ts';
import { FleetLab, type LabStatus } from '../test/support/fleet-lab.ts';
import { registryName, startEtcd, startRegistry } from '../test/support/servers.ts';
import { ROOT, table, writeResults } from './support.ts';

const REAL = Number(process.env['HOSTS'] ?? 20);
const SIMULATED = Number(process.env['SIMULATED'] ?? 1000);
const PROCESSES = 4;
const REPORT_S = 30;
const LEASE_S = 30;

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(1);
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

function requireThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`bench:fleet: ${what}`);
}

/** Bytes that are resident, and seconds of processors, of a process. */
function usageOf(pid: number): { readonly rss: number; readonly cpu: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return { rss, cpu: (Number(fields[11]) + Number(fields[12])) / 100 };
}

// --- real agents --------------------------------------------------------------------------------------------------

const document = (object: string, note: string): string =>
  `# ${note}\nhook: xdp\ninterface: eth0\nmembers:\n  - { name: fw, file: "${object}" }\n`;

const running = ({ hosts }: LabStatus, revision: number): number =>
  hosts.filter(({ report, state }) => report?.revision === revision && state === 'running').length;

const left = ({ hosts }: LabStatus, revision: number): number =>
  hosts.filter(({ report }) => report?.revision === revision).length;

async function realAgents(): Promise<string> {
  const rows: string[][] = [];
  const lab = await FleetLab.open(REAL, [process.execPath, join(ROOT, 'bin/rootlet.js')]);
  try {
    lab.traffic(100);
    const good = await lab.push('good', counting('fw', 'XDP_PASS'));
    for (const host of lab.hosts()) lab.startAgent(host, '--allow-unsigned');
    await timed(rows, 'first revision, to all at once', async () => {
      const number = await lab.put(document(good, 'first'), '--now');
      requireThat(number === 1, 'another first revision');
      await lab.until('the first', status => running(status, number) === REAL, 120);
    });
    const waves = ['--waves', '1,10%,50%,all', '--settle', '3', '--timeout', '90'];
    await timed(rows, 'good rollout: 1, 10 %, 50 %, all; each watched for 3 s', async () => {
      const number = await lab.put(document(good, 'good'));
      await lab.must('fleet', 'rollout', ...waves);
      await lab.until('good', status => running(status, number) === REAL, 60);
    });
    for (const [name, source] of [
      ['refused by the verifier', REFUSED],
      ['drops all packets', counting('fw', 'XDP_DROP')],
    ] as const)
      await timed(rows, `bad rollout: ${name}`, async () => {
        const number = await lab.put(document(await lab.push(name.replaceAll(' ', '-'), source), name));
        const { code } = await lab.run('fleet', 'rollout', ...waves);
        requireThat(code === 3, `the rollout of a bad revision ended with ${code}`);
        const status = await lab.until('back', found => running(found, number + 1) === REAL, 60);
        requireThat(left(status, number) === 0, 'a host has the bad revision');
        return left(status, number);
      });
    await timed(
      rows,
      'good rollout; etcd killed, restarted 5 s later and compacted; 5 agents and the leader killed',
      async () => {
        const number = await lab.put(document(good, 'last'));
        const leader = lab.start('fleet', 'rollout', ...waves);
        while (!leader.log().includes('wave 2 of 4')) await sleep(100);
        const follower = lab.start('fleet', 'rollout', '--join');
        while (!follower.log().includes('another process leads')) await sleep(100);
        await lab.killEtcd();
        const killed = lab.hosts().slice(0, 5);
        for (const host of killed) await lab.killAgent(host);
        await sleep(5_000);
        await lab.startEtcd();
        lab.compactEtcd();
        await leader.kill();
        for (const host of killed) lab.startAgent(host, '--allow-unsigned');
        await lab.until(
          'converged',
          found => running(found, number) === REAL && found.rollout?.state === 'done',
          120,
        );
        while (!follower.log().includes('is on all hosts')) await sleep(100);
      },
    );
    const memory = lab.hosts().map(host => usageOf(lab.agentPid(host)).rss);
    const most = Math.max(...memory);
    const mean = memory.reduce((sum, one) => sum + one, 0) / memory.length;
    const counts = (await lab.status()).counts;
    return [
      `${REAL} agents as processes, each in a network namespace with an interface and 100 packets a second.`,
      '',
      table(['step', 'seconds', 'hosts on a bad revision at the end'], rows),
      '',
      `Memory of an agent at the end: ${mib(mean)} MiB resident on average, at most ${mib(most)} MiB. States: ${JSON.stringify(counts)}.`,
    ].join('\n');
  } finally {
    await lab.close();
  }
}

async function timed<T>(rows: string[][], what: string, body: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await body();
  const remaining = typeof result === 'number' ? String(result) : '-';
  rows.push([what, seconds(performance.now() - start), remaining]);
  process.stderr.write(`${rows.at(-1)?.join('  ')}\n`);
  return result;
}

// --- simulated agents ---------------------------------------------------------------------------------------------

async function simulatedAgents(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-bench-fleet-'));
  const [server, registryServer] = [await startEtcd(), await startRegistry()];
  const name = registryName(registryServer);
  using etcd = new Etcd({ endpoints: [server.url], timeout: 30_000 });
  using registry = new ObjectRegistry({ plainHttp: [name] });
  const keys = new FleetKeys('bench');
  const fleet = { etcd, keys };
  const children: ChildProcess[] = [];
  try {
    const bytes = readFileSync(join(ROOT, 'examples/obj/el/first_firewall.bpf.o'));
    const object = parseReference(`${name}/edge/fw:1`);
    const pushed = await pushObject(registry, new InputObject({ name: 'fw.o', bytes }), object);
    const digestOf = async (file: string) =>
      (await resolveReference(registry, parseReference(file))).digest ?? '';
    const put = async (note: string, isNow: boolean) => {
      const text = document(`oci://${name}/edge/fw:1`, note);
      const current = await readCurrent(fleet);
      const assign = isNow
        ? { assign: { current, targetOf: (stable: number) => ({ stable, next: null }) } }
        : {};
      const request = {
        author: 'bench',
        message: note,
        time: Date.now(),
        name: 'chain.yaml',
        document: text,
        ...assign,
      };
      return (await putDocuments(fleet, request, digestOf)).revision;
    };
    const rows: string[][] = [];
    const each = Math.ceil(SIMULATED / PROCESSES);
    const words = [server.url, name, 'bench'];
    const agentFile = join(ROOT, 'dist/bench/fleet-agents.js');
    const measure = measured(rows, server.pid, etcd);
    await measure('all agents start, and report', async () => {
      for (let at = 0; at < PROCESSES; at++) {
        const line = [
          agentFile,
          ...words,
          String(at * each),
          String(each),
          String(REPORT_S),
          String(LEASE_S),
        ];
        children.push(spawn(process.execPath, line, { stdio: ['ignore', 'pipe', 'inherit'] }));
      }
      await converged(
        fleet,
        hosts =>
          hosts.length === each * PROCESSES &&
          hosts.every(({ isAlive, status }) => isAlive || status !== undefined),
      );
    });
    await measure('a revision for all at once, objects not cached', async () => {
      const number = await put('first', true);
      await converged(fleet, hosts => hosts.every(({ status }) => status?.revision === number));
    });
    await measure('the next revision for all at once, objects cached', async () => {
      const number = await put('second', true);
      await converged(fleet, hosts => hosts.every(({ status }) => status?.revision === number));
    });
    await measure('a rollout in waves: 1, 1 %, 10 %, all; watched for 0 s', async () => {
      const revision = await put('third', false);
      const bounds = { mostDropped: 1, mostAborted: 1, settle: 0, timeout: 300 };
      await beginRollout(fleet, {
        revision,
        waves: [{ hosts: 1 }, { share: 0.01 }, { share: 0.1 }, { share: 1 }],
        bounds,
        author: 'bench',
      });
      const ended = await leadRollout(fleet, { interval: 200 });
      requireThat(ended?.state === 'done', `the rollout ended as ${ended?.state}`);
    });
    await measure('30 s of rest', () => sleep(30_000));
    await measure(
      'etcd is killed; restarted 5 s later: all watch again, and have the next revision',
      async () => {
        await server.kill();
        await sleep(5_000);
        await server.start();
        const number = await put('fourth', true);
        await converged(fleet, hosts => hosts.every(({ status }) => status?.revision === number));
      },
      () => server.pid,
    );
    const usage = await Promise.all(children.map(endOf));
    const heap = usage.reduce((sum, { heapUsed }) => sum + heapUsed, 0);
    const statusBytes = (await etcd.all(keys.hosts)).reduce(
      (sum, { key, value }) => sum + key.length + value.length,
      0,
    );
    const target = (await etcd.get(keys.target)).found?.value.length ?? 0;
    return [
      `${each * PROCESSES} simulated agents in ${PROCESSES} processes on the same two processors as etcd and the registry; reports every ${REPORT_S} s, leases of ${LEASE_S} s; a change takes 0.5 to 1.5 s.`,
      '',
      table(['step', 'seconds', 'etcd: CPU seconds', 'etcd: MiB resident', 'etcd: writes'], rows),
      '',
      `Heap of one agent: ${mib(heap / (each * PROCESSES))} MiB (${mib(usage.reduce((sum, { rss }) => sum + rss, 0))} MiB resident for all of them together). Records of a host in etcd: ${Math.round(statusBytes / (each * PROCESSES))} bytes; the target: ${target} bytes. An object with its manifest: ${pushed.size} bytes. Database of etcd: ${mib(databaseSize(server.directory))} MiB.`,
    ].join('\n');
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await server.close();
    await registryServer.close();
    rmSync(directory, { recursive: true });
    for (const one of readdirSync(tmpdir()).filter(file => file.startsWith('rootlet-sim-')))
      rmSync(join(tmpdir(), one), { recursive: true, force: true });
  }
}

function measured(rows: string[][], pid: number, etcd: Etcd) {
  return async (
    what: string,
    body: () => Promise<unknown>,
    nextPid: () => number = () => pid,
  ): Promise<void> => {
    const before = usageOf(nextPid());
    const revision = (await etcd.get('/none')).revision;
    const start = performance.now();
    await body();
    const time = performance.now() - start;
    const isSame = nextPid() === pid;
    const after = usageOf(nextPid());
    const cpu = isSame ? after.cpu - before.cpu : after.cpu;
    const writes = (await etcd.get('/none')).revision - revision;
    rows.push([what, seconds(time), cpu.toFixed(1), mib(after.rss), String(writes)]);
    process.stderr.write(`${rows.at(-1)?.join('  ')}\n`);
  };
}

async function converged(
  fleet: Parameters<typeof readHosts>[0],
  isDone: (hosts: Awaited<ReturnType<typeof readHosts>>) => boolean,
): Promise<void> {
  for (const end = Date.now() + 180_000; Date.now() < end; await sleep(500)) {
    const hosts = await readHosts(fleet).catch(() => []);
    if (hosts.length > 0 && isDone(hosts)) return;
  }
  throw new Error('bench:fleet: the hosts do not converge');
}

function endOf(child: ChildProcess): Promise<{ readonly rss: number; readonly heapUsed: number }> {
  return new Promise(resolve => {
    let text = '';
    child.stdout?.on('data', data => {
      text += data;
    });
    child.once('exit', () => resolve(JSON.parse(text)));
    child.kill('SIGTERM');
  });
}

function databaseSize(directory: string): number {
  const [size = '0'] = execFileSync('du', ['-sb', join(directory, 'data/member/snap')], {
    encoding: 'utf8',
  }).split('\t');
  return Number(size);
}

const wanted = process.argv[2];
const parts: string[] = [];
if (wanted !== 'simulated') parts.push(await realAgents());
if (wanted !== 'real') parts.push(await simulatedAgents());
if (wanted === undefined) writeResults('fleet', parts.join('\n\n'));
else process.stdout.write(`${parts.join('\n\n')}\n`);
