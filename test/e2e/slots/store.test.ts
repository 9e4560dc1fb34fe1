/** Rootlets in the store: every process can continue with them, two at once wait for each other, a kill breaks nothing. */

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openHook } from '../../../src/hooks/entries/entry.ts';
import type { Hook } from '../../../src/hooks/kinds/hook.ts';
import { returning } from '../../../src/hooks/testing.ts';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { removeClsact } from '../../../src/kernel/hooks/tc.ts';
import { listIds, openById } from '../../../src/kernel/objects/info.ts';
import { BpfProgram } from '../../../src/kernel/objects/program.ts';
import { mountBpffs, packet } from '../../../src/load/testing.ts';
import type { ObjectFile } from '../../../src/object/read/input.ts';
import { Store } from '../../../src/store/store.ts';
import { BPF_XDP } from '../../../src/uapi/attach-types.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../../src/uapi/program-types.ts';
import { needs } from '../../support/needs.ts';
import { stepsOfToday } from '../../support/steps.ts';
import { compileAll, HEAD, kernel, rootletSource, Wire } from './support.ts';

const { first: FIRST, stride: STRIDE } = stepsOfToday(3, 5);

const verdictOf = (verdict: number) => `${HEAD}
static volatile __u64 seen;
volatile __u64 start = 5;
SEC("xdp") int judge(struct xdp_md *ctx) { seen++; start++; return ${verdict}; }`;

const SOURCES = {
  host: rootletSource('xdp', 'xdp_md', 3).replace('host(', 'rs_host('),
  host_v2: rootletSource('xdp', 'xdp_md', 4).replace('host(', 'rs_host('),
  one: verdictOf(1),
  three: verdictOf(3),
  four: verdictOf(4),
  tc_host: rootletSource('tc', '__sk_buff', 3).replace('host(', 'tc_host('),
  tc_one: `${HEAD} SEC("tc") int judge(struct __sk_buff *skb) { return 1; }`,
  refused: `${HEAD} SEC("xdp") int judge(struct xdp_md *ctx) { return *(int *)(long)ctx->data; }`,
} as const;

const wanted = needs('bpf', 'ip', 'clang');

wanted.describe('rootlets in the store', () => {
  let wire: Wire;
  let directory: string;
  let command: string;
  let bpffs: ReturnType<typeof mountBpffs>;
  const path = (name: keyof typeof SOURCES): string => join(directory, `${name}.o`);

  beforeAll(async () => {
    wire = new Wire('store');
    directory = mkdtempSync(join(tmpdir(), 'rootlet-store-'));
    const objects: Record<string, ObjectFile> = compileAll(SOURCES);
    for (const { name, bytes } of Object.values(objects)) writeFileSync(join(directory, name), bytes);
    command = await bundleCommand();
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
    rmSync(join(command, '..'), { recursive: true });
    wire.close();
  });
  let before: readonly number[] = [];
  beforeEach(() => {
    before = listIds(kernel, 'program');
    bpffs = mountBpffs();
    attach();
  });
  afterEach(() => {
    rootlet('detach', 'R');
    expect(readdirSync(join(bpffs.path, 'store/hooks'))).toEqual([]);
    bpffs.close();
    expect(interfaceProgram()).toBe(0);
    expect(listIds(kernel, 'program').filter(id => !before.includes(id) && isOurs(id))).toEqual([]);
  });

  function attach(...words: readonly string[]): void {
    rootlet('attach', 'xdp', 'va', path('host'), '--mode', 'generic', '--name', 'R', ...words);
  }
  const argv = (...words: readonly string[]): string[] => [
    'netns',
    'exec',
    wire.name,
    process.execPath,
    command,
    ...words,
  ];
  const env = (more: Readonly<Record<string, string>> = {}) => ({
    ...process.env,
    ROOTLET_BPFFS: join(bpffs.path, 'store'),
    ...more,
  });
  function rootlet(...words: readonly string[]): string {
    return execFileSync('ip', argv(...words), {
      encoding: 'utf8',
      env: env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  function later(words: readonly string[], more: Readonly<Record<string, string>> = {}) {
    return new Promise<{ readonly code: number | string; readonly stderr: string }>(resolve => {
      execFile('ip', argv(...words), { env: env(more) }, (error, _stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.signal ?? error.code ?? 1), stderr });
      });
    });
  }
  const interfaceProgram = (): number => wire.inside(() => readInterface(kernel, 'va')).xdp.generic;
  /** Verdict of what is on the interface. */
  function judge(): number {
    const fd = openById(kernel, 'program', interfaceProgram());
    if (fd === undefined) return -1;
    using program = BpfProgram.adopt(kernel, fd);
    return program.testRun({ data: packet() }).verdict;
  }
  const slots = (): unknown => JSON.parse(rootlet('replace', 'R', '--json')).slots.map(fileOf);

  test('each process continues where the last one ended; state is kept', () => {
    expect(judge()).toBe(2);
    rootlet('replace', 'R', `slot1=${path('one')}:judge`);
    expect(judge()).toBe(1);
    rootlet('replace', 'R', `slot3=${path('three')}`);
    expect(judge()).toBe(3);
    expect(rootlet('replace', 'R', '--reset', 'slot3')).toMatch(
      /^state kept: \.bss, one:\.data, one:\.bss\nstate dropped: three:\.data: three no longer fills a slot$/m,
    );
    expect(judge()).toBe(1);
    rootlet('replace', 'R', '--order', `${path('three')},${path('one')}`);
    expect(judge()).toBe(1);
    expect(slots()).toEqual([path('three'), path('one'), null, null]);
    rootlet('replace', 'R', `rs_host=${path('four')}`);
    expect(judge()).toBe(4);
    rootlet('replace', 'R', '--reset', 'rs_host');
    expect(judge()).toBe(1);
  });

  test('what is refused changes nothing, on the hook as in the record', () => {
    rootlet('replace', 'R', `slot1=${path('one')}`);
    const running = interfaceProgram();
    const listed = slots();
    expect(() => rootlet('replace', 'R', `slot1=${path('refused')}`)).toThrow(/invalid access to packet/);
    expect(() => rootlet('replace', 'R', `slot7=${path('one')}`)).toThrow(/no such slot: "slot7"/);
    expect(interfaceProgram()).toBe(running);
    expect(slots()).toEqual(listed);
  });

  test('another version of the rootlet keeps its components; one without their slots is refused', () => {
    rootlet('replace', 'R', `slot1=${path('one')}`);
    judge();
    judge();
    expect(rootlet('replace', 'R', path('host_v2'))).toMatch(/^state kept: .*one:\.bss/m);
    expect(judge()).toBe(1);
    expect(slots()).toEqual([path('one'), null, null, null, null]); // it has one slot more
    expect(() => rootlet('replace', 'R', path('three'))).toThrow(
      /has no slot "slot1", which "one" fills[\s\S]*--reset slot1/,
    );
    expect(judge()).toBe(1);
    expect(rootlet('replace', 'R', path('three'), '--reset', 'slot1')).toMatch(
      /^state dropped: one:\.bss: /m,
    );
    expect(judge()).toBe(3);
    expect(slots()).toEqual([null]);
    expect(() => rootlet('replace', 'R', `slot1=${path('one')}`)).toThrow(/no such slot: "slot1"/);
    rootlet('replace', 'R', path('host'));
    rootlet('replace', 'R', `slot1=${path('one')}`);
    expect(judge()).toBe(1);
  });

  test('an order that would leave a filled slot empty is refused, unless the slot is reset', () => {
    rootlet('replace', 'R', `slot1=${path('one')}`, `slot3=${path('three')}`);
    expect(() => rootlet('replace', 'R', '--order', path('four'))).toThrow(
      /slot "slot3".*would be empty[\s\S]*--reset slot3/,
    );
    expect(judge()).toBe(3);
    rootlet('replace', 'R', '--order', path('four'), '--reset', 'slot3');
    expect(slots()).toEqual([path('four'), null, null, null]);
    expect(judge()).toBe(4);
  });

  test('values stay with their component from process to process', () => {
    rootlet('replace', 'R', `slot1=${path('one')}`, '--set', 'start=40');
    judge();
    const settings = () => JSON.parse(rootlet('replace', 'R', '--json')).settings;
    expect(settings()).toEqual([{ component: 'one', variable: 'start', value: 40 }]);
    expect(rootlet('replace', 'R', `slot2=${path('three')}`)).toMatch(/^settings: one:start=40$/m);
    expect(() => rootlet('replace', 'R', '--set', 'start=7')).toThrow(
      /several components have a variable "start"/,
    );
    rootlet('replace', 'R', '--set', 'three:start=7');
    expect(settings()).toEqual([
      { component: 'one', variable: 'start', value: 40 },
      { component: 'three', variable: 'start', value: 7 },
    ]);
    expect(rootlet('replace', 'R', '--reset', 'slot1,slot2')).toMatch(
      /^setting dropped: one:start: the component is gone\nsetting dropped: three:start: the component is gone$/m,
    );
  });

  test('a dry run changes nothing', () => {
    const program = interfaceProgram();
    const said = rootlet('replace', 'R', `slot1=${path('one')}`, '--dry-run');
    expect(said).toMatch(/^would change R on .*\n {2}slot1 +one = .*\/one\.o$/m);
    expect(said).toMatch(/^new: one:\.bss: there was none$/m);
    expect(interfaceProgram()).toBe(program);
    expect(slots()).toEqual([null, null, null, null]);
  });

  test('a rootlet with tail-call slots keeps its program, and its slots from process to process', () => {
    rootlet('detach', 'R');
    attach('--slots', 'tail');
    const program = interfaceProgram();
    expect(judge()).toBe(2);
    expect(rootlet('replace', 'R', `slot1=${path('one')}`, '--all')).toMatch(
      /^R on .* \(tail: as requested\)$/m,
    );
    expect(judge()).toBe(1);
    rootlet('replace', 'R', `slot2=${path('three')}`);
    expect(judge()).toBe(3);
    expect(rootlet('replace', 'R', '--reset', 'slot2', '--json')).toMatch(/"via": "tail"/);
    expect(judge()).toBe(1);
    expect(interfaceProgram()).toBe(program);
    rootlet('replace', 'R', '--slots', 'static');
    expect(interfaceProgram()).not.toBe(program);
    expect(judge()).toBe(1);
  });

  test.each(['static', 'tail'])(
    '%s: a process that is killed at any step leaves the old code or the new, and the next one continues',
    async via => {
      rootlet('replace', 'R', `slot1=${path('one')}`, '--slots', via);
      let expected = 1;
      const steps: string[] = [];
      for (let step = FIRST; ; step += STRIDE) {
        const next = expected === 1 ? 'three' : 'one';
        const { code, stderr } = await later(['replace', 'R', `slot1=${path(next)}`], {
          ROOTLET_TEST_KILL: String(step),
        });
        const verdict = judge();
        steps.push(`${step}: ${verdict === expected ? 'old' : 'new'}`);
        expect([1, 3], `${step} ${stderr}`).toContain(verdict);
        if (code === 0) break;
        expect(code).toBe('SIGKILL');
        expect(step).toBeLessThan(200);
        // the next process finds an entry that it can read and change, and the record says what runs
        const said = JSON.parse(rootlet('replace', 'R', '--json')).slots[0].file;
        expected = judge();
        expect(said).toBe(path(expected === 1 ? 'one' : 'three'));
      }
      expect(steps.length).toBeGreaterThan(40 / STRIDE - 1);
      expect(steps[0]).toMatch(/old/);
      expect(steps.at(-1)).toMatch(/new/);
    },
    300_000,
  );

  test.each(['xdp', 'tc'])(
    '%s: after a kill right before the switch the program of another process is left where it is',
    async kind => {
      const [host, part] = kind === 'xdp' ? (['host', 'one'] as const) : (['tc_host', 'tc_one'] as const);
      rootlet('detach', 'R');
      const direction = kind === 'xdp' ? ['--mode', 'generic'] : ['--ingress'];
      rootlet('attach', kind, 'va', path(host), '--name', 'R', ...direction);
      const killed = await later(['replace', 'R', `slot1=${path(part)}`], { ROOTLET_TEST_KILL: 'switch' });
      expect(killed.code).toBe('SIGKILL');
      const onHook = <T>(body: (hook: Hook) => T): T => {
        const store = Store.open(kernel, join(bpffs.path, 'store'));
        const entry = store.find('hook', 'R');
        if (entry === undefined) throw new Error('no entry');
        using hook = openHook(store, entry);
        return wire.inside(() => body(hook));
      };
      const type =
        kind === 'xdp' ? ([BPF_PROG_TYPE_XDP, BPF_XDP] as const) : ([BPF_PROG_TYPE_SCHED_CLS] as const);
      using theirs = returning(kernel, 'theirs', type, 1);
      onHook(hook => hook.update(theirs, null));
      for (const words of [
        ['replace', 'R', `slot1=${path(part)}`],
        ['detach', 'R'],
      ]) {
        const { code, stderr } = await later(words);
        expect([code, stderr]).toEqual([3, expect.stringMatching(/"theirs"\) is attached, not/)]);
        expect(onHook(hook => hook.occupantId())).toBe(theirs.info().id);
      }
      rootlet('detach', 'R', '--force');
      if (kind === 'tc') wire.inside(() => removeClsact(kernel, 'va'));
      attach();
    },
  );

  test('two at once wait for each other', async () => {
    const all = await Promise.all([
      later(['replace', 'R', `slot1=${path('one')}`]),
      later(['replace', 'R', `slot2=${path('three')}`]),
      later(['replace', 'R', `slot3=${path('four')}`]),
    ]);
    expect(all.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
      [0, ''],
    ]);
    expect(slots()).toEqual([path('one'), path('three'), path('four'), null]);
    expect(judge()).toBe(4);
  });
});

function fileOf(slot: { readonly file: string | null }): string | null {
  return slot.file;
}

/** Programs of other tests come and go meanwhile; those of this test are called `rs_host`. */
function isOurs(id: number): boolean {
  const fd = openById(kernel, 'program', id);
  if (fd === undefined) return false;
  using program = BpfProgram.adopt(kernel, fd);
  return program.name === 'rs_host';
}

/**
 * The command as one file, which kills itself at a step on request: before every change of the store or of a
 * hook, which are counted.
 */
async function bundleCommand(): Promise<string> {
  const outdir = mkdtempSync(join(import.meta.dirname, '../../../node_modules/.cache-relink-'));
  const root = join(import.meta.dirname, '../../..');
  const counted = new Set<string>();
  const entry = `
    import fs from 'node:fs';
    import { main } from ${JSON.stringify(join(root, 'cli/main.ts'))};
    const at = Number(process.env.ROOTLET_TEST_KILL ?? 0);
    const atSwitch = process.env.ROOTLET_TEST_KILL === 'switch';
    let count = 0;
    globalThis.rootletStep = command => {
      if (++count === at || (atSwitch && command === 29)) process.kill(process.pid, 'SIGKILL');
    };
    await main(process.argv.slice(2));`;
  await build({
    stdin: { contents: entry, resolveDir: root, sourcefile: 'entry.ts', loader: 'ts' },
    outfile: join(outdir, 'rootlet.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
    plugins: [
      {
        name: 'steps',
        setup(setup) {
          // bpf(2) commands that change something that stays: pinning, links, map elements; and the directories of the store
          setup.onLoad(
            { filter: /src\/kernel\/(sys\/sys|hooks\/tc|sys\/bpffs)\.ts$|src\/store\/directory\.ts$/ },
            async ({ path: file }) => {
              const { readFile } = await import('node:fs/promises');
              const text = await readFile(file, 'utf8');
              const contents = withSteps(file, text);
              if (contents === text) throw new Error(`no step is counted in ${file}`);
              counted.add(file);
              return { contents, loader: 'ts' };
            },
          );
        },
      },
    ],
  });
  if (counted.size < 4) throw new Error(`steps are counted in ${[...counted].join(', ')} only`);
  return join(outdir, 'rootlet.mjs');
}

/** BPF_OBJ_PIN, BPF_LINK_UPDATE (also for the change of a filter), BPF_MAP_FREEZE, and BPF_MAP_UPDATE_ELEM. */
const CHANGING = [6, 29, 22, 2];

function withSteps(file: string, text: string): string {
  if (file.endsWith('tc.ts')) {
    return text.replace(
      '  const answer = socket.request(RTM_NEWTFILTER,',
      '  if (flags === NLM_F_REPLACE) (globalThis as any).rootletStep(29);\n  const answer = socket.request(RTM_NEWTFILTER,',
    );
  }
  if (!file.endsWith('sys.ts')) {
    return text.replace(
      /\b(mkdirSync|renameSync|symlinkSync|unlinkSync|rmdirSync|rmSync)\(/g,
      '((globalThis as any).rootletStep(), $1)(',
    );
  }
  return text.replace(
    "  return holding(buffers, () => sys.syscall('bpf', command, attr, attr.length));",
    `  if (${JSON.stringify(CHANGING)}.includes(command)) (globalThis as any).rootletStep(command);
  return holding(buffers, () => sys.syscall('bpf', command, attr, attr.length));`,
  );
}
