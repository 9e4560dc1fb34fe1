/** An object file is parsed once by a command, however many steps look at it. */

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Command } from '@stricli/core';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attachCommand } from '../../../cli/commands/attach.ts';
import { linkCommand } from '../../../cli/commands/link.ts';
import { loadCommand } from '../../../cli/commands/load.ts';
import { relinkCommand } from '../../../cli/commands/relink.ts';
import { replaceCommand } from '../../../cli/commands/replace.ts';
import type { Context } from '../../../cli/io/context.ts';
import { replacementRefusal } from '../../../src/dynamic/bind/replacement-support.ts';
import { Rootlet } from '../../../src/dynamic/slots/rootlet.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { link } from '../../../src/link/link.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import type * as Read from '../../../src/object/read/read.ts';
import { runCommand } from '../../support/command.ts';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';
import { HEAD, kernel, rootletSource, Wire, whenFree } from '../slots/support.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Names of what was parsed, in order. */
const parsed = vi.hoisted((): string[] => []);

vi.mock('../../../src/object/read/read.ts', async original => {
  const real = await original<typeof Read>();
  const readObject: typeof Read.readObject = (file, options) => {
    parsed.push(file.name);
    return real.readObject(file, options);
  };
  const readPlaced: typeof Read.readPlaced = (image, file, options) => {
    parsed.push(file.name);
    return real.readPlaced(image, file, options);
  };
  return { ...real, readObject, readPlaced };
});

const part = (name: string, verdict: number): string => `${HEAD}
__u64 ${name}_runs;
SEC("xdp") int ${name}(struct xdp_md *ctx) { ${name}_runs++; return ${verdict}; }`;

const SOURCES = {
  host: rootletSource('xdp', 'xdp_md', 2),
  host2: rootletSource('xdp', 'xdp_md', 3),
  one: part('one', 1),
  two: part('two', 3),
  three: part('three', 2),
  needs: `${HEAD} extern int given(int); SEC("xdp") int user(struct xdp_md *ctx) { return given(1); }`,
  gives: `${HEAD} int given(int x) { return x + 1; }`,
};

const clang = needs('clang');
const { reason } = kernelForTests();

clang.describe('parsed once', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-once-'));
  const names = Object.keys(SOURCES);
  const paths = clang.reason === undefined ? compileInto(directory, SOURCES) : [];
  const files = new Map(names.map((name, at) => [name, paths[at] ?? '']));
  const at = (name: string): string => files.get(name) ?? '';
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(() => {
    parsed.length = 0;
  });

  /** What a command that has to succeed parses: `NAME` of each, sorted. */
  const parsedBy = async (command: Command<Context>, ...words: readonly string[]): Promise<string[]> => {
    parsed.length = 0;
    expect(await runCommand(command, words, '')).toMatchObject({ code: 0 });
    return parsed.map(name => basename(name, '.o')).sort();
  };

  test('when its object is first asked for', () => {
    const input = InputObject.from({ name: 'one.o', bytes: readFileSync(at('one')) });
    expect(parsed).toEqual([]);
    expect(input.object).toBe(input.object);
    expect(InputObject.from(input)).toBe(input);
    expect(parsed).toEqual(['one.o']);
  });

  test('and a file that is given twice is still two inputs of a link', () => {
    const input = InputObject.from({ name: 'one.o', bytes: readFileSync(at('one')) });
    const result = link([input, input]);
    expect(result).toMatchObject({ ok: false, problems: [{ code: 'link-duplicate' }, {}] });
    expect(parsed).toEqual(['one.o']);
  });

  test('by link', async () => {
    const words = ['-o', join(directory, 'out.o'), at('needs'), at('gives'), at('one')];
    expect(await parsedBy(linkCommand, ...words)).toEqual(['gives', 'needs', 'one']);
  });

  test('by relink, in as many slots as it is', async () => {
    const words = ['-o', join(directory, 'out.o'), at('host2'), `slot1=${at('one')}`, `slot3=${at('one')}`];
    expect(await parsedBy(relinkCommand, ...words, `slot2=${at('two')}`)).toEqual(['host2', 'one', 'two']);
    const chain = ['-o', join(directory, 'out.o'), '--chain', at('three'), at('three'), at('two')];
    expect(await parsedBy(relinkCommand, ...chain)).toEqual(['three', 'two']);
  });

  describe.skipIf(reason !== undefined)('on the kernel', () => {
    const wire = reason === undefined ? new Wire('once') : undefined;
    let bpffs = reason === undefined ? mountBpffs() : undefined;
    afterAll(() => {
      bpffs?.close();
      wire?.close();
    });
    afterEach(() => {
      bpffs?.close();
      bpffs = mountBpffs();
    });

    /** The same with an empty or a filled store, in the network namespace of the wire. */
    const parsedInside = async (command: Command<Context>, ...words: readonly string[]) => {
      const [home, away] = ['/proc/thread-self/ns/net', `/run/netns/${wire?.name ?? ''}`].map(path =>
        openSync(path, 'r'),
      );
      try {
        kernel.syscall('setns', away ?? -1, 0);
        return await parsedBy(command, ...words, '--bpffs', join(bpffs?.path ?? '', 'store'));
      } finally {
        kernel.syscall('setns', home ?? -1, 0);
        for (const fd of [home, away]) if (fd !== undefined) closeSync(fd);
      }
    };
    const attached = (...words: readonly string[]) =>
      parsedInside(attachCommand, 'xdp', 'va', at('host'), '--name', 'fw', ...words);
    const replaced = (...words: readonly string[]) => parsedInside(replaceCommand, 'fw', ...words);

    test('by load, alone, joined, and bound to what is loaded', async () => {
      expect(await parsedInside(loadCommand, at('one'))).toEqual(['one']);
      expect(await parsedInside(loadCommand, at('gives'))).toEqual(['gives']);
      expect(await parsedInside(loadCommand, at('two'), at('three'))).toEqual(['three', 'two']);
      const bound = await parsedInside(loadCommand, at('needs'));
      expect(bound.filter(name => name === 'needs')).toEqual(['needs']);
      expect(new Set(bound).size).toBe(bound.length);
    });

    test('by a rootlet that is attached with its slots empty', () => {
      const file = { name: 'host.o', bytes: readFileSync(at('host')) };
      const attach = () => Rootlet.attach(kernel, file, { interface: 'va', mode: 'generic' });
      using rootlet = wire?.inside(() => whenFree(attach));
      expect(rootlet?.slotNames).toEqual(['slot1', 'slot2', 'host']);
      expect(parsed).toEqual(['host.o']);
    });

    const refusal = reason === undefined ? replacementRefusal(kernel)() : reason;
    const vias = ['static', 'tail', ...(refusal === undefined ? ['ext'] : [])];
    test.each(vias)('by a change of two slots (%s)', async via => {
      // should filling the arrays fail, they get back what was there
      const old = (...parts: readonly string[]) => (via === 'tail' ? parts : []);
      expect(await attached(...(via === 'tail' ? ['--slots', via] : []))).toEqual(['host']);
      const fill = [`slot1=${at('one')}`, `slot2=${at('two')}`, '--slots', via];
      expect(await replaced(...fill)).toEqual(['host', 'one', 'two']);
      // what stays is in the record, what is put in comes from its file
      expect(await replaced(`slot2=${at('three')}`)).toEqual(['host', 'one', 'three', ...old('two')]);
      expect(await replaced(`slot1=${at('two')}`, `slot2=${at('two')}`)).toEqual(
        ['host', 'two', ...old('one', 'three')].sort(),
      );
      expect(await replaced('--set', 'two:two_runs=7')).toEqual(['host', 'two']);
      expect(await replaced(at('host2'))).toEqual(['host2', 'two']);
    });

    test('by a new version of an attached program', async () => {
      expect(await parsedInside(attachCommand, 'xdp', 'va', at('one'), '--name', 'fw')).toEqual(['one']);
      expect(await replaced(at('two'))).toEqual(['one', 'two']); // the old one: what of its state goes on
      expect(await replaced('--set', 'two_runs=7')).toEqual(['two']);
    });

    test('by a new version of a loaded object', async () => {
      expect(await parsedInside(loadCommand, at('gives'), '--name', 'fw')).toEqual(['gives']);
      expect(await parsedInside(loadCommand, at('needs'), '--name', 'user')).toContain('needs');
      const again = await replaced(at('gives'));
      expect(again.sort()).toEqual(['gives', 'gives', 'needs']); // the new version, the old one, its consumer
    });
  });
});
