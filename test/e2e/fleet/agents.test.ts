/** Agents of real hosts: rollouts that are good and bad, servers that are away, kills. */

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { FleetLab, type LabStatus } from '../../support/fleet-lab.ts';
import { needs } from '../../support/needs.ts';
import { capture, counting, REFUSED } from '../chain/declared-sources.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const HOSTS = 3;
const ROLLOUT = ['--waves', '1,all', '--settle', '1', '--timeout', '20'] as const;

const document = (object: string, more = ''): string =>
  `hook: xdp\ninterface: eth0\n${more}members:\n  - { name: fw, file: "${object}" }\n`;

const run = (status: LabStatus, revision: number): number =>
  status.hosts.filter(({ report, state }) => report?.revision === revision && state === 'running').length;

needs('root', 'bpf', 'clang', 'ip', 'etcd', 'docker-registry', 'curl').describe('a fleet', () => {
  let lab: FleetLab;
  let good = '';
  let first = 0;

  beforeAll(async () => {
    lab = await FleetLab.open(HOSTS);
    lab.traffic(50);
    good = await lab.push('good', counting('fw', 'XDP_PASS'));
    for (const host of lab.hosts()) lab.startAgent(host, '--allow-unsigned', '--label', 'role=edge');
    first = await lab.put(document(good), '--now');
    await lab.until('the first revision', status => run(status, first) === HOSTS);
  });
  afterAll(async () => lab?.close());

  test('a good revision reaches all hosts, which report rates', async () => {
    const next = await lab.put(document(good, 'counters: true\n# again\n'));
    expect((await lab.status()).hosts.every(({ assigned }) => assigned === first)).toBe(true);
    const { code, err } = await lab.run('fleet', 'rollout', ...ROLLOUT);
    expect([code, err]).toEqual([0, expect.stringContaining('wave 2 of 2: revision 2 on 3 hosts')]);
    const status = await lab.until('rates', ({ hosts }) =>
      hosts.every(({ report }) => (report?.rates[0]?.packets ?? 0) > 10),
    );
    expect(run(status, next)).toBe(HOSTS);
    expect(lab.onHost('host-1', 'xdp', 'status')).toContain('fw');
    first = next;
  });

  test.each([
    ['the verifier refuses', REFUSED, /host-\d: verifier-refused: /],
    [
      'drops too much',
      counting('fw', 'XDP_DROP'),
      /host-\d: xdp on eth0: \d+(\.\d+)? % of packets are dropped, more than 20 %/,
    ],
  ])('a revision that %s stops in its first wave, and no host keeps it', async (name, source, cause) => {
    const bad = await lab.put(document(await lab.push(name.replaceAll(' ', '-'), source)));
    const { code, out } = await lab.run('fleet', 'rollout', ...ROLLOUT, '--json');
    expect(code).toBe(3);
    const [problem] = JSON.parse(out).problems;
    expect(problem).toMatchObject({ code: 'fleet-rollout', message: 'was stopped, and all hosts went back' });
    expect(problem.details.join('\n')).toMatch(cause);
    const status = await lab.until('all are back', found => run(found, bad + 1) === HOSTS);
    expect(status.hosts.filter(({ report }) => report?.revision === bad)).toEqual([]);
    expect(status.rollout?.state).toBe('rolled-back');
    first = bad + 1;
  });

  test('etcd is killed, restarted and compacted in the middle of a rollout, and an agent is killed', async () => {
    const next = await lab.put(document(good, '# third\n'));
    const rollout = lab.start('fleet', 'rollout', '--waves', '1,all', '--settle', '2', '--timeout', '60');
    await vi.waitFor(() => expect(rollout.log()).toContain('wave 1 of 2'), 30_000);
    await lab.killEtcd();
    await lab.killAgent('host-2');
    await sleep(500);
    expect(lab.onHost('host-2', 'xdp', 'status')).toContain('fw');
    await lab.startEtcd();
    lab.compactEtcd();
    lab.startAgent('host-2', '--allow-unsigned', '--label', 'role=edge');
    const status = await lab.until(
      'the rollout goes on',
      found => run(found, next) === HOSTS && found.rollout?.state === 'done',
      40,
    );
    expect(status.counts).toEqual({ running: HOSTS });
    first = next;
  });

  test('each fault is a state of its own on its host; the others go on', async () => {
    const kept = await lab.push('kept', counting('kept', 'XDP_PASS'));
    writeFileSync(lab.at('sample.pcap'), capture([60, 61, 62]));
    const dropping = await lab.push('dropping', counting('fw', 'XDP_DROP'));
    await lab.killAgent('host-3');
    lab.startAgent('host-3', '--allow-unsigned', '--sample', lab.at('sample.pcap'), '--label', 'role=edge');
    const number = await lab.put(
      [
        document(kept, 'hosts: { name: one }\n'),
        document(dropping, 'hosts: { role: edge }\n'),
        'hook: xdp\ninterface: nothing0\nhosts: { role: other }\nmembers: []\n',
      ].join('---\n'),
      '--now',
    );
    const status = await lab.until('the sample', ({ hosts }) => hosts[2]?.state === 'sample-refused');
    expect(status.hosts[2]?.report).toMatchObject({ revision: first, attempted: number });
    await lab.killAgent('host-1');
    lab.startAgent('host-1', '--allow-unsigned', '--label', 'role=unknown');
    await lab.until('no match', ({ hosts }) => hosts[0]?.state === 'no-match');
    await lab.killRegistry();
    await lab.killAgent('host-2');
    lab.startAgent('host-2', '--allow-unsigned', '--label', 'name=one', '--label', 'role=none');
    const away = await lab.until('the registry', ({ hosts }) => hosts[1]?.state === 'registry-away');
    expect(away.hosts[1]?.report?.problems[0]?.hint).toContain('what was pulled before stays in use');
    await lab.startRegistry();
    await lab.until('it is back', ({ hosts }) => hosts[1]?.state === 'running');
    const signed = await lab.put(document(kept, '# signed\n'), '--now');
    writeFileSync(lab.at('policy.json'), '{"rules":[{"repository":"other.example/**","unsigned":true}]}');
    await lab.killAgent('host-2');
    lab.startAgent('host-2', '--policy', lab.at('policy.json'), '--label', 'role=edge');
    await lab.until('unsigned', ({ hosts }) => hosts[1]?.state === 'unsigned');
    expect(run(await lab.until('the others', found => run(found, signed) === 2), signed)).toBe(2);
  });

  test('drained, and again', async () => {
    await lab.must('fleet', 'drain', 'host-1');
    await lab.until('drained', ({ hosts }) => hosts[0]?.state === 'drained');
    expect(lab.onHost('host-1', 'xdp', 'status')).not.toContain('/edge/');
    await lab.must('fleet', 'drain', 'host-1', '--undo');
    await lab.until('runs again', ({ hosts }) => hosts[0]?.state === 'running');
    await lab.killAgent('host-1');
    await lab.until('gone', ({ hosts }) => hosts[0]?.state === 'gone');
    expect(lab.onHost('host-1', 'xdp', 'status')).toContain('/edge/kept@');
  });
});
