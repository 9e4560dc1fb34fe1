/**
 * A fleet on one machine: a network namespace with etcd and a registry, and one for each host, with an interface for
 * traffic and one to the servers. Agents and operators are processes of the command. All of it ends with the lab.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleCommand } from '../../cli/testing.ts';
import { mountBpffs } from '../../src/load/testing.ts';
import { INCLUDES } from './compile.ts';
import { COMMANDS, findCommand } from './needs.ts';

export interface LabResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** As `fleet status --json` has it. */
export interface LabHost {
  readonly host: string;
  readonly state: string;
  readonly assigned: number;
  readonly isAlive: boolean;
  readonly report: {
    readonly revision: number;
    readonly attempted: number;
    readonly problems: readonly { readonly code: string; readonly hint: string }[];
    readonly rates: readonly { readonly packets: number; readonly dropped: number }[];
  } | null;
}

export interface LabStatus {
  readonly counts: Readonly<Record<string, number>>;
  readonly hosts: readonly LabHost[];
  readonly rollout: { readonly state: string; readonly causes: readonly string[] } | null;
}

const SERVER = '10.201.0.1';
const ETCD_PORT = 2379;
const REGISTRY_PORT = 5000;

/** Sends a packet to each host, so many times a second. */
const SENDER = `
const socket = require('node:dgram').createSocket('udp4');
const [count, pause] = process.argv.slice(1).map(Number);
setInterval(() => {
  for (let at = 1; at <= count; at++) socket.send('x'.repeat(100), 9, '10.202.' + at + '.1', () => undefined);
}, pause);
`;

/** A process in a network namespace. */
class Running {
  readonly child: ChildProcess;
  readonly log: string;

  constructor(
    netns: string,
    words: readonly string[],
    log: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    const out = openSync(log, 'a');
    this.log = log;
    this.child = spawn('nsenter', [`--net=/run/netns/${netns}`, ...words], {
      stdio: ['ignore', out, out],
      env: { ...process.env, ...env },
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise(resolve => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }
}

export class FleetLab {
  readonly directory = mkdtempSync(join(tmpdir(), 'rootlet-fleet-'));
  readonly etcd = `http://${SERVER}:${ETCD_PORT}`;
  readonly registry = `${SERVER}:${REGISTRY_PORT}`;
  readonly #mount = mountBpffs();
  readonly #hub = `rootlet-hub-${process.pid}`;
  readonly #agents = new Map<string, Running>();
  readonly #others = new Set<Running>();
  readonly #netns: string[] = [];
  #etcdServer: Running | undefined;
  #registryServer: Running | undefined;

  /** `command`: words that run the command instead of the sources. */
  readonly command: readonly string[];

  private constructor(command: readonly string[] | undefined) {
    this.command = command ?? [process.execPath, this.at('rootlet.mjs')];
    if (command === undefined) bundleCommand(this.at('rootlet.mjs'));
  }

  static async open(hosts: number, command?: readonly string[]): Promise<FleetLab> {
    const lab = new FleetLab(command);
    lab.#makeHub();
    for (let at = 1; at <= hosts; at++) lab.#makeHost(at);
    await Promise.all([lab.startEtcd(), lab.startRegistry()]);
    return lab;
  }

  at(name: string): string {
    return join(this.directory, name);
  }

  hosts(): string[] {
    return this.#netns.filter(name => name !== this.#hub).map((_, at) => `host-${at + 1}`);
  }

  // --- namespaces -------------------------------------------------------------------------------------------------

  #ip(...words: readonly string[]): void {
    execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #makeHub(): void {
    this.#ip('netns', 'add', this.#hub);
    this.#netns.push(this.#hub);
    const inside = ['-n', this.#hub];
    this.#ip(...inside, 'link', 'set', 'lo', 'up');
    this.#ip(...inside, 'link', 'add', 'br0', 'type', 'bridge');
    this.#ip(...inside, 'address', 'add', `${SERVER}/16`, 'dev', 'br0');
    this.#ip(...inside, 'link', 'set', 'br0', 'up');
  }

  #makeHost(at: number): void {
    const netns = `rootlet-host-${process.pid}-${at}`;
    this.#ip('netns', 'add', netns);
    this.#netns.push(netns);
    const [hub, host] = [
      ['-n', this.#hub],
      ['-n', netns],
    ];
    this.#ip(...host, 'link', 'set', 'lo', 'up');
    this.#ip(...hub, 'link', 'add', `m${at}`, 'type', 'veth', 'peer', 'name', 'mgmt', 'netns', netns);
    this.#ip(...hub, 'link', 'set', `m${at}`, 'master', 'br0', 'up');
    this.#ip(...host, 'address', 'add', `10.201.1.${at}/16`, 'dev', 'mgmt');
    this.#ip(...host, 'link', 'set', 'mgmt', 'up');
    this.#ip(...hub, 'link', 'add', `d${at}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns);
    const mac = `02:00:00:00:00:${at.toString(16).padStart(2, '0')}`;
    this.#ip(...host, 'link', 'set', 'eth0', 'address', mac);
    this.#ip(...host, 'address', 'add', `10.202.${at}.1/24`, 'dev', 'eth0');
    this.#ip(...host, 'link', 'set', 'eth0', 'up');
    this.#ip(...hub, 'address', 'add', `10.202.${at}.2/24`, 'dev', `d${at}`);
    this.#ip(...hub, 'link', 'set', `d${at}`, 'up');
    this.#ip(
      ...hub,
      'neighbour',
      'add',
      `10.202.${at}.1`,
      'lladdr',
      mac,
      'dev',
      `d${at}`,
      'nud',
      'permanent',
    );
  }

  // --- servers ----------------------------------------------------------------------------------------------------

  async startEtcd(): Promise<void> {
    const peer = `http://${SERVER}:2380`;
    const words = [
      ...['etcd', '--data-dir', this.at('etcd'), '--log-level', 'warn'],
      ...['--listen-client-urls', this.etcd, '--advertise-client-urls', this.etcd],
      ...[
        '--listen-peer-urls',
        peer,
        '--initial-advertise-peer-urls',
        peer,
        '--initial-cluster',
        `default=${peer}`,
      ],
    ];
    this.#etcdServer = new Running(this.#hub, words, this.at('etcd.log'));
    await this.#until('etcd', () => this.#answers(`${this.etcd}/health`));
  }

  async killEtcd(): Promise<void> {
    await this.#etcdServer?.kill();
  }

  etcdPid(): number {
    return this.#etcdServer?.pid ?? 0;
  }

  /** Forgets everything before now. */
  compactEtcd(): void {
    const text = this.#inHub(['curl', '-s', `${this.etcd}/v3/kv/range`, '-d', '{"key":"AA=="}']);
    const { revision } = (JSON.parse(text) as { header: { revision: string } }).header;
    this.#inHub([
      'curl',
      '-s',
      `${this.etcd}/v3/kv/compaction`,
      '-d',
      JSON.stringify({ revision, physical: true }),
    ]);
  }

  async startRegistry(): Promise<void> {
    const lines = [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      `storage: { filesystem: { rootdirectory: ${this.at('registry')} } }`,
      `http: { addr: "${this.registry}" }`,
    ];
    writeFileSync(this.at('registry.yml'), `${lines.join('\n')}\n`);
    const words = ['docker-registry', 'serve', this.at('registry.yml')];
    this.#registryServer = new Running(this.#hub, words, this.at('registry.log'), {
      OTEL_TRACES_EXPORTER: 'none',
    });
    await this.#until('docker-registry', () => this.#answers(`http://${this.registry}/v2/`));
  }

  async killRegistry(): Promise<void> {
    await this.#registryServer?.kill();
  }

  #inHub(words: readonly string[]): string {
    return execFileSync('nsenter', [`--net=/run/netns/${this.#hub}`, ...words], { encoding: 'utf8' });
  }

  #answers(url: string): boolean {
    const words = [`--net=/run/netns/${this.#hub}`, 'curl', '-s', '-o', '/dev/null', '--max-time', '2', url];
    return spawnSync('nsenter', words).status === 0;
  }

  async #until(what: string, ready: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(60))
      if (await ready()) return;
    throw new Error(`${what}: not within ${seconds} s\n${this.logs()}`);
  }

  // --- commands ---------------------------------------------------------------------------------------------------

  /** A command of an operator. */
  run(...words: readonly string[]): Promise<LabResult> {
    return new Promise(resolve => {
      const line = [`--net=/run/netns/${this.#hub}`, ...this.command, ...words];
      const child = spawn('nsenter', line, {
        cwd: this.directory,
        env: { ...process.env, ROOTLET_ETCD: this.etcd },
      });
      const texts = { out: '', err: '' };
      child.stdout.on('data', data => {
        texts.out += data;
      });
      child.stderr.on('data', data => {
        texts.err += data;
      });
      child.on('close', code => resolve({ code: code ?? -1, ...texts }));
    });
  }

  /** Output of a command that has to succeed. */
  async must(...words: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(...words);
    if (code !== 0) throw new Error(`rootlet ${words.join(' ')}: exit ${code}\n${out}${err}`);
    return out;
  }

  /** A command that goes on beside the test. */
  start(...words: readonly string[]): {
    readonly log: () => string;
    kill(signal?: NodeJS.Signals): Promise<void>;
  } {
    const log = this.at(`operator-${this.#others.size}.log`);
    const running = new Running(this.#hub, [...this.command, ...words], log, { ROOTLET_ETCD: this.etcd });
    this.#others.add(running);
    return { log: () => readFileSync(log, 'utf8'), kill: signal => running.kill(signal) };
  }

  traffic(packetsEachSecond: number): void {
    const words = [
      process.execPath,
      '-e',
      SENDER,
      String(this.hosts().length),
      String(1000 / packetsEachSecond),
    ];
    this.#others.add(new Running(this.#hub, words, this.at('traffic.log')));
  }

  startAgent(host: string, ...words: readonly string[]): void {
    const netns = this.#netns[Number(host.replace('host-', ''))] ?? '';
    const bpffs = join(this.#mount.path, host);
    mkdirSync(bpffs, { recursive: true });
    const line = [
      ...['agent', '--host', host, '--state', this.at(`state-${host}`), '--plain-http', this.registry],
      ...['--report', '1', '--lease', '5', ...words],
    ];
    const env = { ROOTLET_ETCD: this.etcd, ROOTLET_BPFFS: join(bpffs, 'rootlet') };
    this.#agents.set(host, new Running(netns, [...this.command, ...line], this.at(`${host}.log`), env));
  }

  /** The command on a host, as its administrator runs it. */
  onHost(host: string, ...words: readonly string[]): string {
    const netns = this.#netns[Number(host.replace('host-', ''))] ?? '';
    const env = { ...process.env, ROOTLET_BPFFS: join(this.#mount.path, host, 'rootlet') };
    return execFileSync('nsenter', [`--net=/run/netns/${netns}`, ...this.command, ...words], {
      encoding: 'utf8',
      env,
    });
  }

  async killAgent(host: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#agents.get(host)?.kill(signal);
  }

  agentPid(host: string): number {
    return this.#agents.get(host)?.pid ?? 0;
  }

  agentLog(host: string): string {
    return readFileSync(this.at(`${host}.log`), 'utf8');
  }

  async status(): Promise<LabStatus> {
    return JSON.parse(await this.must('fleet', 'status', '--json')) as LabStatus; // the command has this form
  }

  /** Until the status is as expected; throws with it and the logs otherwise. */
  async until(what: string, ready: (status: LabStatus) => boolean, seconds = 60): Promise<LabStatus> {
    let last: LabStatus | undefined;
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(200)) {
      last = await this.status();
      if (ready(last)) return last;
    }
    throw new Error(
      `${what}: not within ${seconds} s\n${JSON.stringify(last, undefined, 1)}\n${this.logs()}`,
    );
  }

  logs(): string {
    return [...this.#agents]
      .map(([host, { log }]) => `${host}: ${readFileSync(log, 'utf8').slice(-600)}`)
      .join('\n');
  }

  /** An object in the registry; returns its name for documents. */
  async push(name: string, source: string, ...words: readonly string[]): Promise<string> {
    const [file, object] = [this.at(`${name}.bpf.c`), this.at(`${name}.bpf.o`)];
    writeFileSync(file, source);
    const flags = ['-target', 'bpf', '-O2', '-g', '-c', file, '-o', object, ...INCLUDES];
    execFileSync(findCommand(COMMANDS.clang) ?? COMMANDS.clang, flags);
    const reference = `${this.registry}/edge/${name}:1`;
    await this.must('push', object, reference, '--plain-http', this.registry, ...words);
    return `oci://${reference}`;
  }

  /** Writes documents as a new revision, and returns its number. */
  async put(document: string, ...words: readonly string[]): Promise<number> {
    writeFileSync(this.at('chain.yaml'), document);
    const line = ['fleet', 'put', '-f', 'chain.yaml', '--plain-http', this.registry, '--json', ...words];
    return (JSON.parse(await this.must(...line)) as { revision: number }).revision;
  }

  async close(): Promise<void> {
    const all = [...this.#agents.values(), ...this.#others, this.#etcdServer, this.#registryServer];
    for (const one of all) await one?.kill();
    for (const netns of this.#netns) this.#ip('netns', 'del', netns);
    this.#mount.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
