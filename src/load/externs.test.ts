import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatProblem, RootletError } from '../diag/problem.ts';
import { CodeView } from '../isa/opcodes.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read/read.ts';
import { stripDataSections } from '../object/write/strip-data-sections.ts';
import { bindExterns } from './externs/bind-externs.ts';
import { type KernelFacts, runningKernelFacts } from './externs/kernel-facts.ts';
import { openKernelTypes } from './externs/kernel-types.ts';
import { loadObject, prepareLoad } from './load.ts';
import { planLoad } from './plan/object.ts';
import { preparedAlone } from './plan/prepared.ts';
import { packet } from './testing.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const hasTypes = existsSync('/sys/kernel/btf/vmlinux');
const read = (name: string) =>
  readObject({ name, bytes: readFileSync(join(import.meta.dirname, 'testdata/obj/el', name)) });

/** A made-up kernel. */
const FACTS: KernelFacts = {
  config: () =>
    'CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=m\nCONFIG_BPF=y\nCONFIG_HZ=250\nCONFIG_LOG_BUF_SHIFT=17\nCONFIG_NR_CPUS=64\nCONFIG_DEFAULT_HOSTNAME="a very long name"\n',
  versionCode: () => 0x060102,
  addresses: () => new Map([['__start_rodata', [0xffffffff82345678n]]]),
  hasCookie: () => true,
  hasSyscallWrapper: () => false,
};
const types = openKernelTypes(null);

/** A kernel without configuration and symbols. */
function kernelFactsOnly(): KernelFacts {
  return { ...FACTS, config: () => '', addresses: () => new Map() };
}

/** Extern → its problem as text. */
function problemsOf(body: () => unknown): ReadonlyMap<string, string> {
  try {
    body();
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return new Map(
      error.problems.map(one => [/"(.*)"/.exec(one.where.join(' '))?.[1] ?? '', formatProblem(one)]),
    );
  }
  return new Map();
}

test('a variable where no loader makes a map: the hint names a section', () => {
  const load = () => planLoad(preparedAlone(read('declared.bpf.o')), { programs: name => name === 'data' });
  expect(load).toThrow(
    expect.objectContaining({
      code: 'load-data-section',
      message: expect.stringContaining('SEC(".data.mydata")'),
    }),
  );
});

describe.skipIf(!hasTypes)(`bindings${hasTypes ? '' : ' (this kernel has no BTF)'}`, () => {
  const object = stripDataSections(read('externs.bpf.o'));
  const bindings = bindExterns(object, types, FACTS);
  const bindingOf = (name: string) => bindings.get(object.symbols.findIndex(symbol => symbol.name === name));
  const resultOf = (name: string) => {
    const binding = bindingOf(name);
    return binding?.kind === 'kconfig' ? [...binding.value] : undefined;
  };

  test('configuration and what every loader knows', () => {
    expect(resultOf('LINUX_KERNEL_VERSION')).toEqual([2, 1, 6, 0]);
    expect(resultOf('LINUX_HAS_BPF_COOKIE')).toEqual([1]);
    expect(resultOf('LINUX_OF_THE_FUTURE')).toEqual([0, 0, 0, 0]);
    expect(resultOf('CONFIG_BPF_JIT')).toEqual([2, 0, 0, 0]);
    expect(resultOf('CONFIG_BPF')).toEqual([0x79]);
    expect(resultOf('CONFIG_NR_CPUS')).toEqual([64, 0]);
    expect(resultOf('CONFIG_DEFAULT_HOSTNAME')).toEqual([...new TextEncoder().encode('a very '), 0]);
    expect(resultOf('CONFIG_NOT_A_SETTING')).toEqual([0]);
  });

  test('functions by name and parameters; of two declarations the one that fits', () => {
    expect(bindingOf('bpf_dynptr_from_xdp')).toMatchObject({ kind: 'kfunc', btfObject: 0 });
    expect(bindingOf('bpf_dynptr_size___real')).toMatchObject({ kind: 'kfunc' });
    expect(bindingOf('bpf_dynptr_size___odd')).toEqual({
      kind: 'missing',
      why: expect.stringMatching(
        /^has other parameters in vmlinux \(declared as .*bpf_dynptr_size___odd\(int, int, int\); vmlinux has .*bpf_dynptr_size\(const struct bpf_dynptr \*/,
      ),
    });
    expect(bindingOf('bpf_of_the_future')).toEqual({ kind: 'missing' });
  });

  test('what is declared in another form is shown in both, with the remedy', () => {
    expect(problemsOf(() => bindExterns(read('declared.bpf.o'), types, FACTS))).toEqual(
      new Map([
        [
          'bpf_dynptr_size',
          expect.stringMatching(/declared as .*\(void \*\)[\s\S]*hint: declare it as this kernel/),
        ],
        [
          'bpf_iter_num_new',
          expect.stringContaining('struct "bpf_iter_num" is declared here without its members'),
        ],
        ['runqueues', expect.stringMatching(/extern int runqueues\n[\s\S]*vmlinux has struct rq runqueues/)],
      ]),
    );
  });

  test('what nothing uses is not bound, and may be missing', () => {
    const known = kernelFactsOnly();
    const unused = bindExterns(object, types, known, { isUsed: () => false });
    const kinds = new Set([...unused.values()].map(({ kind }) => kind));
    expect([...kinds]).toEqual(['kconfig']);
    expect(() => bindExterns(object, types, known)).toThrow(
      expect.objectContaining({ code: 'load-extern-missing' }),
    );
  });

  test('symbols without a type are their address', () => {
    expect(bindingOf('__start_rodata')).toEqual({ kind: 'address', address: 0xffffffff82345678n });
    expect(bindingOf('no_such_symbol')).toEqual({ kind: 'missing' });
  });

  test('lines of the user go before the kernel’s', () => {
    const own = bindExterns(object, types, FACTS, { kconfig: 'CONFIG_HZ=1000\n' });
    const index = object.symbols.findIndex(symbol => symbol.name === 'CONFIG_HZ');
    expect(own.get(index)).toEqual({ kind: 'kconfig', value: new Uint8Array([0xe8, 3, 0, 0]) });
  });

  test('all that is missing is named at once', () => {
    const poor: KernelFacts = {
      ...FACTS,
      config: () => 'CONFIG_HZ=what\n',
      addresses: () => new Map([['__start_rodata', [1n, 2n]]]),
    };
    expect(() => bindExterns(object, types, poor)).toThrow(
      expect.objectContaining({
        problems: expect.arrayContaining([
          expect.objectContaining({
            code: 'load-extern-missing',
            where: ['externs.bpf.o', 'extern "CONFIG_BPF_SYSCALL"'],
          }),
          expect.objectContaining({
            code: 'load-kconfig-value',
            where: ['externs.bpf.o', 'kconfig "CONFIG_HZ"'],
          }),
          expect.objectContaining({ message: 'has 2 addresses in this kernel' }),
        ]),
      }),
    );
  });

  test('a hidden address is not taken for one', () => {
    const hidden: KernelFacts = { ...FACTS, addresses: () => new Map([['__start_rodata', [0n]]]) };
    expect(() => bindExterns(object, types, hidden)).toThrow(/kptr_restrict/);
  });

  test('a weak symbol whose address is hidden is 0, with a note', () => {
    const hidden: KernelFacts = {
      ...FACTS,
      addresses: () => new Map([...FACTS.addresses(new Set()), ['no_such_symbol', [0n]]]),
    };
    const index = object.symbols.findIndex(symbol => symbol.name === 'no_such_symbol');
    expect(bindExterns(object, types, hidden).get(index)).toEqual({
      kind: 'missing',
      note: expect.stringMatching(/^extern "no_such_symbol" is 0, .* the kernel hides/),
    });
    const { plan } = prepareLoad(read('externs.bpf.o'), new FakeSys(), {
      kernelTypes: types,
      kernelFacts: hidden,
    });
    expect(plan.notes).toHaveLength(2); // and the configuration value that is cut
  });

  test('a weak symbol with several addresses is refused', () => {
    const twice: KernelFacts = {
      ...FACTS,
      addresses: () => new Map([...FACTS.addresses(new Set()), ['no_such_symbol', [4n, 8n]]]),
    };
    expect(() => bindExterns(object, types, twice)).toThrow(/no_such_symbol.*has 2 addresses/);
  });

  test('a configuration value that does not fit is cut, with a note', () => {
    expect(bindingOf('CONFIG_DEFAULT_HOSTNAME')).toMatchObject({
      note: 'kconfig "CONFIG_DEFAULT_HOSTNAME": "a very long name" has 16 bytes and is cut to 7: its variable is char[8]',
    });
    expect(bindingOf('CONFIG_BPF')).not.toHaveProperty('note');
  });

  describe('where no configuration can be read', () => {
    const unreadable: KernelFacts = { ...FACTS, config: () => undefined };
    const all = FACTS.config() ?? '';

    test('none has a value, weak or not; the option is named', () => {
      expect(() => bindExterns(object, types, unreadable)).toThrow(
        expect.objectContaining({
          problems: expect.arrayContaining(
            ['CONFIG_HZ', 'CONFIG_NOT_A_SETTING'].map(name =>
              expect.objectContaining({
                code: 'load-extern-missing',
                where: ['externs.bpf.o', `extern "${name}"`],
                message: expect.stringContaining('no configuration of this kernel could be read'),
                hint: 'give one with --kconfig FILE',
              }),
            ),
          ),
        }),
      );
    });

    test('a given one is the whole of it', () => {
      const own = bindExterns(object, types, unreadable, { kconfig: all });
      const index = object.symbols.findIndex(symbol => symbol.name === 'CONFIG_NOT_A_SETTING');
      expect(own.get(index)).toEqual({ kind: 'kconfig', value: new Uint8Array(1) });
      expect(() =>
        bindExterns(object, types, unreadable, { kconfig: all.replace('CONFIG_HZ=250', '') }),
      ).toThrow(/CONFIG_HZ.*is not in the configuration/);
    });
  });

  test('a version that is not known is no 0', () => {
    expect(() => bindExterns(object, types, { ...FACTS, versionCode: () => 0 })).toThrow(
      /LINUX_KERNEL_VERSION": is not known/,
    );
  });

  test('a typed variable becomes the id of its type', () => {
    const { plan } = prepareLoad(read('kernel_variable.bpf.o'), new FakeSys(), {
      kernelTypes: types,
      kernelFacts: FACTS,
    });
    const code = new CodeView(plan.programs[0]?.code ?? new Uint8Array(8), plan.byteOrder);
    const at = Array.from({ length: code.length }, (_, i) => i).findIndex(i => code.opcode(i) === 0x18);
    const [variable] = types.vmlinux().types.exact('runqueues', 14);
    expect(code.at(at)).toMatchObject({ src: 3, imm: variable });
    expect(code.imm(at + 1)).toBe(0);
  });
});

describe.skipIf(sys === undefined || !hasTypes)(
  `on the kernel${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    test('programs see what they were bound to', () => {
      const facts = runningKernelFacts(() => true);
      const before = countFds();
      {
        using object = loadObject(read('externs.bpf.o'), kernel, {
          kernelFacts: { ...facts, hasSyscallWrapper: () => false },
        });
        const run = (program: string) => object.testRun(program, packet({ length: 64 })).verdict;
        expect(run('version')).toBe(facts.versionCode());
        expect(run('functions')).toBe(64); // size of the packet, through kernel functions
        expect(run('missing')).toBe(3);
        const address = facts.addresses(new Set(['__start_rodata'])).get('__start_rodata')?.[0] ?? 0n;
        expect((BigInt(run('address_high')) << 32n) + BigInt(run('address_low'))).toBe(address);
        expect((run('configuration') % 32) & 0b10101).toBe(0b10101); // cookie, CONFIG_BPF_SYSCALL, CONFIG_BPF
        expect(object.map('.kconfig').info()).toMatchObject({ name: 'externs.kconfig', maxEntries: 1 });
      }
      expect(countFds()).toBe(before);
    });
  },
);
