/**
 * docs/relinking.md as it is written: its sources are compiled, its commands run in order and print what the page says.
 * Between the commands packets run through what is on the interface: their verdicts and the counters of each firewall are
 * those of the firewalls alone.
 */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openById } from '../../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import { FakeSys } from '../../../src/kernel/sys/fake.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { packet } from '../../../src/load/testing.ts';
import { XDP_PASS } from '../../../src/uapi/verdicts.ts';
import { needs } from '../../support/needs.ts';
import { commandsOf, type PageCommand, sourcesOf } from '../../support/page.ts';
import { PrivateShell } from '../../support/private-shell.ts';
import { type Counters, LoneFirewall } from './lone-firewall.ts';
import { preparationsOfPage, programsOfPage, withoutIds } from './relinking-page.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // each command is a process

const { sys } = kernelForTests();
const kernel = sys ?? new FakeSys();
const COMPONENTS = '/sys/fs/bpf/rootlet/hooks/edge/components';
const AGENT = '/sys/fs/bpf/blocklist';

/** First bytes on both sides of each rule, each with two values of what no firewall looks at. */
const PACKETS = [0, 7, 8, 9, 99, 100, 199, 200, 255].flatMap(first =>
  [1, 64].map(ttl => {
    const bytes = packet({ ttl });
    bytes[0] = first;
    return bytes;
  }),
);

/** The command's JSON, as far as this test looks at it. */
interface Listed {
  readonly slots: readonly {
    readonly slot: string;
    readonly component: string | null;
    readonly file: string | null;
  }[];
}

interface InSlot {
  readonly component: string;
  readonly file: string;
}

const commands = commandsOf('relinking.md');

needs('root', 'bpf', 'ip', 'clang', 'bpftool').describe('docs/relinking.md', () => {
  let shell: PrivateShell;
  const alone = new Map([
    ['north', new LoneFirewall(kernel, {})],
    ['south', new LoneFirewall(kernel, { limit: 100 })],
  ]);
  let agentsMap: number | undefined;

  beforeAll(async () => {
    shell = await PrivateShell.open();
    for (const [name, source] of sourcesOf('relinking.md'))
      writeFileSync(join(shell.directory, name), source);
    for (const line of preparationsOfPage()) shell.must(line);
  });
  afterAll(() => {
    for (const firewall of alone.values()) firewall.close();
    shell.close();
  });

  test('has sources and commands', () => {
    expect([...sourcesOf('relinking.md').keys()]).toEqual(['rootlet.bpf.c', 'north.bpf.c', 'south.bpf.c']);
    expect(commands.length).toBeGreaterThan(12);
  });

  test.each(commands)('$ $line', ({ line, output }: PageCommand) => {
    const { code, text } = shell.run(line);
    expect(withoutIds(text)).toBe(withoutIds(output));
    expect(code !== 0).toBe(output.startsWith('rootlet: '));
    noteBlocked(line);
    if (running() !== 0) comparePackets();
  });

  test('the program at its end', () => {
    mkdirSync(join(shell.directory, 'node_modules'));
    symlinkSync(process.cwd(), join(shell.directory, 'node_modules', 'rootlet'));
    for (const { code, output } of programsOfPage()) {
      writeFileSync(join(shell.directory, 'example.mjs'), code);
      expect(shell.run(`'${process.execPath}' example.mjs`)).toEqual({ code: 0, text: output });
    }
    expect(running()).toBe(0);
  });

  /** What the agent or an operator adds to a blocklist, the firewall alone gets as well. */
  function noteBlocked(line: string): void {
    const [, path = '', first = ''] = /^bpftool map update pinned (\S+) key (\d+) /.exec(line) ?? [];
    if (path === '') return;
    const owner = path === AGENT ? 'north' : (path.split('/').at(-3) ?? '');
    alone.get(owner)?.block(Number(first));
  }

  /** Id of the program on the interface; 0 for none. */
  function running(): number {
    const [link] = shell.json('ip -j link show v0') as { xdp?: { prog: { id: number } } }[]; // as iproute2 prints it
    return link?.xdp?.prog.id ?? 0;
  }

  function comparePackets(): void {
    const { slots } = shell.json('rootlet replace edge --json') as Listed; // as docs/loading.md has it
    const inSlots = slots.flatMap(({ component, file }): InSlot[] =>
      component === null || file === null ? [] : [{ component, file }],
    );
    const fd = openById(kernel, 'program', running());
    if (fd === undefined) throw new Error('nothing runs on v0');
    using program = BpfProgram.adopt(kernel, fd);
    for (const data of PACKETS) {
      const expected = verdictOfChain(inSlots, data);
      expect([data[0], program.testRun({ data }).verdict]).toEqual([data[0], expected]);
    }
    for (const { component, file } of inSlots)
      expect([component, countersOf(component)]).toEqual([
        component,
        aloneIn(component).counters(path(file)),
      ]);
    if (inSlots.length > 0) requireAgentsMap();
  }

  /** The first verdict that is not PASS; later firewalls do not see the packet then. */
  function verdictOfChain(inSlots: readonly InSlot[], data: Uint8Array): number {
    for (const { component, file } of inSlots) {
      const verdict = aloneIn(component).judge(path(file), data);
      if (verdict !== XDP_PASS) return verdict;
    }
    return XDP_PASS;
  }

  function aloneIn(component: string): LoneFirewall {
    const firewall = alone.get(component);
    if (firewall === undefined) throw new Error(`no firewall ${component}`);
    return firewall;
  }

  function path(file: string): string {
    return join(shell.directory, file);
  }

  /** As an operator reads them: by the paths of the component. */
  function countersOf(component: string): Counters {
    const dump = (map: string): Formatted[] =>
      // bpftool's own form
      shell.json(`bpftool -j map dump pinned ${COMPONENTS}/${component}/maps/${map}`) as Formatted[];
    const hits = dump('hits').map(({ formatted }) => Number(formatted.value));
    const section = Object.values(dump('%2ebss')[0]?.formatted.value ?? {}).flat();
    const variables = Object.assign({}, ...section);
    return { hits, seen: variables.seen, dropped: variables.dropped };
  }

  /** From the first change to the last it is one map. */
  function requireAgentsMap(): void {
    const idOf = (pin: string): number =>
      (shell.json(`bpftool -j map show pinned ${pin}`) as { id: number }).id; // as above
    agentsMap ??= idOf(AGENT);
    expect([AGENT, `${COMPONENTS}/north/maps/blocklist`].map(idOf)).toEqual([agentsMap, agentsMap]);
    expect(idOf(`${COMPONENTS}/south/maps/blocklist`)).not.toBe(agentsMap);
  }
});

/** An entry of bpftool's dump. */
interface Formatted {
  readonly formatted: { readonly value: number | Readonly<Record<string, readonly object[]>> };
}
