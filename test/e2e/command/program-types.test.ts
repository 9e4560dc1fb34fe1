/**
 * Section names of all kinds through every command: names that specify no type, `.text.NAME`, static programs,
 * and programs that are not loaded. The peer is bpftool (libbpf) on the same objects.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { CommandWorld } from '../../../cli/testing.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { compileInto } from '../../support/compile.ts';
import { missing } from '../../support/needs.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // each command is a process

const { reason } = kernelForTests();
const skipped =
  missing('clang', 'bpftool') ?? reason ?? ['ip', 'nsenter'].find(tool => spawnSync(tool, ['-V']).error);

const HEAD = `
#include <linux/bpf.h>
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
char LICENSE[] SEC("license") = "GPL";
`;
const program = (section: string, context: string, name = 'f', verdict = 1) =>
  `SEC("${section}") int ${name}(struct ${context} *ctx) { return ${verdict}; }\n`;
const CORE = `
struct shape { int a; long b; } __attribute__((preserve_access_index));
SEC("socket") int plain(struct __sk_buff *skb) { return 7; }
SEC("?socket") int vague(struct __sk_buff *skb)
{ return __builtin_preserve_type_info(*(struct shape *)0, 1); }
extern int no_such_function(void) __attribute__((section(".ksyms")));
SEC("?socket") int foreign(struct __sk_buff *skb) { return no_such_function(); }
`;
const SOURCES = {
  filter: HEAD + program('filter', 'xdp_md', 'f', 2),
  slash: HEAD + program('xdp/entry', 'xdp_md', 'f', 2),
  meeting: HEAD + program('xdp', 'xdp_md', 'g', 2) + program('xdp/entry', 'xdp_md', 'f', 2),
  typo: HEAD + program('xpd', 'xdp_md', 'f', 2),
  dormant: HEAD + program('?mine', 'xdp_md', 'f', 2),
  known: HEAD + program('xdp', 'xdp_md', 'first', 2),
  two: HEAD + program('xdp_a', 'xdp_md', 'a', 2) + program('tc', '__sk_buff', 'b', 0),
  cgroup: HEAD + program('cgroup/mine', '__sk_buff', 'f', 1),
  still: `${HEAD}SEC("xdp") static int drop_it(struct xdp_md *ctx) { return 1; }\n${program('xdp', 'xdp_md', 'pass_it', 2)}`,
  only: `${HEAD}SEC("xdp") static int drop_it(struct xdp_md *ctx) { return 1; }\n`,
  called: `${HEAD}SEC("xdp") static NOINLINE int part(struct xdp_md *ctx) { return ctx ? 2 : 0; }
SEC("xdp") int f(struct xdp_md *ctx) { return part(ctx); }\n`,
  sections: `${HEAD}int seen = 4; const volatile int fixed = 1; int cleared;
__attribute__((section(".text.helper"))) static NOINLINE int helper(int x) { return seen += x + fixed; }
__attribute__((section(".text.shared"))) NOINLINE int shared(int x) { return helper(x) + cleared; }
SEC("xdp") int entry(struct xdp_md *ctx) { return shared(1) > 3 ? 2 : 1; }\n`,
  rootlet: `${HEAD}__attribute__((weak, noinline, section(".text.slot"))) int slot(struct xdp_md *ctx) { volatile int v = 2; return ctx ? v : 0; }
SEC("xdp") int root(struct xdp_md *ctx) { return slot(ctx); }\n`,
  array: `${HEAD}SEC("?xdp/stage") int stage(struct xdp_md *ctx) { return 2; }
struct { int (*type)[3]; int (*max_entries)[1]; int (*key_size)[4]; int (*values[])(struct xdp_md *); }
stages __attribute__((section(".maps"))) = { .values = { (void *)&stage } };
static long (*bpf_tail_call)(void *ctx, void *map, unsigned index) = (void *)12;
SEC("xdp/main") int f(struct xdp_md *ctx) { bpf_tail_call(ctx, &stages, 0); return 1; }\n`,
  core: HEAD + CORE,
  kconfig: `${HEAD}extern char CONFIG_LETTER __attribute__((section(".kconfig")));
SEC("socket") int plain(struct __sk_buff *skb) { return 7; }
SEC("socket") int letter(struct __sk_buff *skb) { return CONFIG_LETTER; }\n`,
};
type Source = keyof typeof SOURCES;

const PACKET = `${'ff'.repeat(12)}0800${'00'.repeat(50)}`;

describe.skipIf(skipped !== undefined)(`on the kernel${skipped === undefined ? '' : ` (${skipped})`}`, () => {
  const world = skipped === undefined ? new CommandWorld() : undefined;
  const directory = world?.directory ?? '';
  const compiled = world === undefined ? [] : compileInto(directory, SOURCES);
  const at = (name: Source) => compiled[Object.keys(SOURCES).indexOf(name)] ?? '';
  const rootlet = (...words: readonly string[]) => world?.run(words) ?? { code: -1, out: '', err: '' };
  const json = (...words: readonly string[]) => world?.json(...words) ?? {};
  const loaded: string[] = [];
  const attached: string[] = [];

  afterAll(() => world?.close());
  afterEach(() => {
    if (attached.length > 0) rootlet('detach', '--force', ...attached.splice(0));
    if (loaded.length > 0) rootlet('unload', '--force', ...loaded.splice(0));
  });

  /** Program → type, of an object that was loaded. */
  function load(...words: readonly string[]): unknown {
    loaded.push('x');
    const result = json('load', ...words, '--name', 'x') as {
      entry?: { programs: { name: string; type: string }[] };
      problems?: { code: string; hint?: string }[];
    };
    rootlet('unload', 'x');
    loaded.pop();
    if (result.entry === undefined) return result.problems?.map(({ code }) => code);
    return Object.fromEntries(result.entry.programs.map(({ name, type }) => [name, type]));
  }

  function attach(...words: readonly string[]) {
    attached.push('x');
    return rootlet('attach', ...words, '--name', 'x');
  }

  /** Whether bpftool loads an object. */
  function peer(file: string, ...more: readonly string[]): boolean {
    const pin = path.join(world?.bpffs ?? '', 'peer');
    const { status } = spawnSync('bpftool', ['prog', 'load', file, pin, ...more]);
    spawnSync('rm', ['-f', pin]);
    return status === 0;
  }

  test.each([
    ['filter', 'xdp', 'xdp'],
    ['slash', 'xdp', 'xdp'],
    ['slash', 'xdp.frags', 'xdp'],
    ['filter', 'socket', 'socket_filter'],
    ['filter', 'classifier', 'sched_cls'],
    ['filter', 'sched_cls', 'sched_cls'],
    ['filter', 'tcx/ingress', 'sched_cls'],
    ['cgroup', 'cgroup/skb', 'cgroup_skb'],
    ['cgroup', 'cgroup_skb/egress', 'cgroup_skb'],
    ['filter', 'kprobe', 'kprobe'],
    ['known', 'socket', 'socket_filter'],
  ] as const)('load %s --type %s', (source, type, name) => {
    const [only] = source === 'known' ? ['first'] : ['f'];
    expect(load(at(source), '--type', type)).toEqual({ [only ?? '']: name });
    expect(load(at(source), '--type', `${only}=${type}`)).toEqual({ [only ?? '']: name });
    const known = !['sched_cls', 'tcx/ingress'].includes(type); // words of later versions, and of the kernel
    if (known) expect(peer(at(source), 'type', type)).toBe(true);
  });

  test('without a type it is refused, as by libbpf, and the hints are words that work', () => {
    for (const source of ['filter', 'slash', 'typo'] as const) {
      expect(peer(at(source))).toBe(false);
      expect(load(at(source))).toEqual(['load-program-type']);
      const { err } = rootlet('load', at(source));
      expect(err).toContain('--type f=');
      expect(err).toContain('--rename-section');
    }
    expect(rootlet('load', at('typo')).err).toContain('did you mean SEC("xdp")?');
    expect(rootlet('load', at('filter')).err).not.toContain('did you mean');
    expect(
      rootlet('link', at('slash'), '--rename-section', 'xdp/entry=xdp', '-o', `${directory}/renamed.o`).code,
    ).toBe(0);
    expect(peer(`${directory}/renamed.o`)).toBe(true);
  });

  test('a section is renamed to one that is there: both become one', () => {
    const words = ['--rename-section', 'xdp/entry=xdp'];
    expect(rootlet('link', at('meeting'), ...words, '-o', `${directory}/met.o`)).toMatchObject({ code: 0 });
    expect(load(`${directory}/met.o`)).toEqual({ f: 'xdp', g: 'xdp' });
    expect(peer(`${directory}/met.o`)).toBe(true);
  });

  test('words that are not types, and names of no program', () => {
    const problem = (...words: readonly string[]) => {
      const { problems } = json('load', at('filter'), ...words) as { problems: unknown[] };
      return problems;
    };
    expect(problem('--type', 'xpd')).toMatchObject([
      { code: 'object-program-type', hint: expect.stringContaining('did you mean "xdp"') },
    ]);
    expect(problem('--type', 'tracing')).toMatchObject([
      { code: 'object-program-type', hint: expect.stringContaining('"fentry"') },
    ]);
    expect(problem('--type', 'g=xdp')).toMatchObject([{ code: 'object-no-program', subject: 'g' }]);
    expect(problem('--type', 'f=xdp', '--type', 'f=tc')).toMatchObject([{ code: 'usage-pair' }]);
    expect(problem('--type', '=xdp')).toMatchObject([{ code: 'usage-pair' }]);
  });

  test('one of several programs gets a type; autoload stays what it is', () => {
    expect(load(at('two'), '--type', 'a=xdp')).toEqual({ a: 'xdp', b: 'sched_cls' });
    expect(load(at('two'), '--only', 'b')).toEqual({ b: 'sched_cls' });
    expect(load(at('two'), '--only', ',')).toEqual(['load-no-program']);
    expect(load(at('dormant'))).toEqual({});
    expect(load(at('dormant'), '--only', 'f')).toEqual(['load-program-type']);
    expect(load(at('dormant'), '--type', 'xdp')).toEqual({});
    expect(load(at('dormant'), '--type', 'xdp', '--only', 'f')).toEqual({ f: 'xdp' });
    expect(rootlet('load', `${at('two')}:a`).err).toContain('--only a');
  });

  test.each(['filter', 'slash', 'typo', 'dormant'] as const)(
    'attach xdp gives %s the type of the hook',
    source => {
      const { code, err } = attach('xdp', 'v0', at(source));
      expect({ code, err }).toEqual({
        code: 0,
        err: expect.stringMatching(
          /^rootlet: note: program "f" is loaded as xdp, since its section "[^"]+" does not specify a type\n$/,
        ),
      });
      const again = json('replace', 'x', at('slash')) as { ok: boolean };
      expect(again.ok).toBe(true);
    },
  );

  test('attach takes the only program that fits, and hints where the hook does not tell the type', () => {
    expect(attach('tc', 'v0', at('two'), '--ingress')).toMatchObject({ code: 0, err: '' });
    rootlet('detach', ...attached.splice(0));
    expect(attach('xdp', 'v0', at('two'))).toMatchObject({ code: 0, err: expect.stringContaining('"a"') });
    rootlet('detach', ...attached.splice(0));
    const { err } = attach('cgroup', '/sys/fs/cgroup', at('cgroup'));
    expect(err).toContain('--type f=');
    expect(rootlet('attach', 'xpd', 'v0', at('two')).err).toContain('did you mean "xdp"');
  });

  test('programs in arrays get the type as well', () => {
    expect(attach('xdp', 'v0', `${at('array')}:f`)).toMatchObject({
      code: 0,
      err: expect.stringMatching(/program "stage" is loaded as xdp[\s\S]*program "f" is loaded as xdp/),
    });
    expect(load(at('array'), '--type', 'xdp')).toEqual({ f: 'xdp', stage: 'xdp' });
    expect(load(at('array'), '--type', 'f=xdp')).toEqual(['load-program-type']);
  });

  test('a rootlet keeps the type, and slots give it', () => {
    expect(attach('xdp', 'v0', at('rootlet'), '--slots', 'static').code).toBe(0);
    const filled = rootlet('replace', 'x', `slot=${at('filter')}`);
    expect(filled).toMatchObject({ code: 0 });
    expect(rootlet('replace', 'x', `slot=${at('known')}`, '--type', 'first=xdp').code).toBe(0);
    expect(rootlet('replace', 'x', `slot=${at('filter')}`, '--type', 'none=xdp').err).toContain('"none"');
  });

  test('relink and chains', () => {
    const out = `${directory}/out.o`;
    const slot = rootlet('relink', at('rootlet'), `slot=${at('filter')}`, '-o', out);
    expect(slot).toMatchObject({ code: 0, err: expect.stringContaining('is linked as xdp') });
    expect(peer(out)).toBe(true);
    for (const order of [
      ['known', 'slash'],
      ['slash', 'known'],
    ] as const) {
      const chain = rootlet('relink', '--chain', ...order.map(at), '-o', out);
      expect(chain).toMatchObject({ code: 0, err: expect.stringContaining('is linked as xdp') });
      expect(peer(out)).toBe(true);
    }
    expect(rootlet('relink', '--chain', at('filter'), '-o', out).err).toContain('--type f=TYPE');
    expect(rootlet('relink', '--chain', at('filter'), '--type', 'filter.o:f=xdp', '-o', out).code).toBe(0);
    expect(peer(out)).toBe(true);
    expect(rootlet('relink', '--chain', at('filter'), '--rename-section', 'filter=xdp', '-o', out).code).toBe(
      0,
    );
    expect(rootlet('relink', '--chain', at('filter'), '--type', 'g=xdp', '-o', out).err).toContain('"g"');
  });

  test('run, in the machine and in the kernel', () => {
    for (const where of [[], ['--kernel']]) {
      const verdicts = (...words: readonly string[]) =>
        (json('run', ...words, '--packet', PACKET, ...where) as { counts?: unknown }).counts;
      expect(verdicts(at('filter'), '--type', 'xdp')).toEqual({ PASS: 1 });
      expect(verdicts(at('slash'))).toEqual({ PASS: 1 });
      expect(verdicts(at('two'), '--prog-name', 'a')).toEqual({ PASS: 1 });
      expect(rootlet('run', at('filter'), '--packet', PACKET, ...where).err).toContain('--type f=');
      expect(rootlet('run', at('still'), '--packet', PACKET, ...where).err).toContain('drop_it');
      expect(verdicts(at('still'), '--prog-name', 'pass_it')).toEqual({ PASS: 1 });
    }
  });

  test('static programs are refused, as by libbpf, unless another one is named', () => {
    expect(peer(at('still'))).toBe(false);
    for (const source of ['still', 'only'] as const) {
      expect(load(at(source))).toEqual(['object-static-program']);
      expect(attach('xdp', 'v0', at(source)).err).toContain('program "drop_it" is static and not supported');
      const chain = rootlet('relink', '--chain', at(source), '-o', `${directory}/out.o`);
      expect(chain).toMatchObject({ code: 1, err: expect.stringContaining('--globalize-symbol drop_it') });
    }
    expect(attach('xdp', 'v0', `${at('still')}:drop_it`).err).toContain('is static and not supported');
    expect(load(at('still'), '--only', 'pass_it')).toEqual({ pass_it: 'xdp' });
    expect(load(at('still'), '--only', 'pass_it,drop_it')).toEqual(['object-static-program']);
    expect(load(at('still'), '--only', 'pass_it,drop_id')).toEqual(['load-no-program']);
    expect(attach('xdp', 'v0', `${at('still')}:pass_it`).code).toBe(0);
    const out = `${directory}/global.o`;
    expect(rootlet('link', at('still'), '-o', out).err).toContain('--globalize-symbol drop_it');
    expect(rootlet('link', at('still'), '--globalize-symbol', 'drop_it', '-o', out)).toMatchObject({
      code: 0,
      err: '',
    });
    expect(load(out)).toEqual({ drop_it: 'xdp', pass_it: 'xdp' });
  });

  test('a static function that is called is a subprogram; links move it to .text', () => {
    expect(load(at('called'))).toEqual({ f: 'xdp' });
    expect(peer(at('called'))).toBe(false);
    expect(rootlet('link', at('called'), '-o', `${directory}/out.o`)).toMatchObject({ code: 0, err: '' });
    expect(peer(`${directory}/out.o`)).toBe(true);
  });

  test('.text.NAME is code of .text in every command', () => {
    expect(json('inspect', at('sections'))).toMatchObject({ programs: [{ name: 'entry' }], notes: [] });
    expect(load(at('sections'))).toEqual({ entry: 'xdp' });
    const out = `${directory}/out.o`;
    for (const words of [
      ['link'],
      ['link', '--fold-text'],
      ['link', '-r'],
      ['link', '--gc-sections'],
      ['relink', '--chain'],
    ]) {
      expect(rootlet(...words, at('sections'), '-o', out).code).toBe(0);
      expect(peer(out), words.join(' ')).toBe(true);
    }
    expect(json('run', at('sections'), '--packet', PACKET)).toMatchObject({ counts: { PASS: 1 } });
    expect(attach('xdp', 'v0', at('sections'))).toMatchObject({ code: 0, err: '' });
  });

  test('nothing of programs that are not loaded is looked up', () => {
    expect(load(at('core'))).toEqual({ plain: 'socket_filter' });
    expect(load(at('core'), '--only', 'plain')).toEqual({ plain: 'socket_filter' });
    expect(rootlet('load', at('core'), '--dry-run').out).not.toContain('vague');
    expect(load(at('core'), '--only', 'foreign')).toEqual(['load-extern-missing']);
  });

  test('run reads configuration values; programs that do not run need none', () => {
    const file = `${directory}/config`;
    writeFileSync(file, 'CONFIG_LETTER=m\n');
    for (const where of [[], ['--kernel']]) {
      const run = (...words: readonly string[]) =>
        rootlet('run', at('kconfig'), '--packet', PACKET, ...where, ...words);
      expect(run('--prog-name', 'plain')).toMatchObject({ code: 0, out: expect.stringContaining('7') });
      const { out, code } = run('--prog-name', 'letter', '--kconfig', file);
      expect({ out, code }).toEqual({ out: expect.stringContaining('109'), code: 0 });
      expect(run('--prog-name', 'letter').err).toContain('--kconfig FILE');
    }
  });
});
