/** `rootlet load`, `replace` and `unload` with externs: options, output, and the messages of refusals. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildApplication, buildRouteMap, type Command, type CommandContext, run } from '@stricli/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadCommand } from '../../../cli/commands/load.ts';
import { psCommand } from '../../../cli/commands/ps.ts';
import { replaceCommand } from '../../../cli/commands/replace.ts';
import { unloadCommand } from '../../../cli/commands/unload.ts';
import type { Context } from '../../../cli/io/context.ts';
import { EXIT } from '../../../src/diag/problem.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { needs } from '../../support/needs.ts';
import { runStored } from './stored.ts';
import { compiled, type TestStore, testStore } from './support.ts';

vi.setConfig({ testTimeout: 60_000 });

const OBJECTS = path.join(import.meta.dirname, '../../../examples/obj/el');
const FIRST = path.join(OBJECTS, 'first.bpf.o');
const SECOND = path.join(OBJECTS, 'second.bpf.o');

let testing: TestStore;
let directory = '';
let fds = 0;

async function rootlet(...words: readonly string[]) {
  const written = { out: [] as string[], err: [] as string[] };
  const process = {
    stdout: { write: (text: string) => void written.out.push(text) },
    stderr: { write: (text: string) => void written.err.push(text) },
    env: {},
    exitCode: 0,
  };
  // any command fits an application whose context has what the command wants
  const routes = {
    load: loadCommand,
    unload: unloadCommand,
    ps: psCommand,
    replace: replaceCommand,
  } as unknown as Record<string, Command<CommandContext & Context>>;
  const app = buildApplication(buildRouteMap({ routes, docs: { brief: 'rootlet' } }), {
    name: 'rootlet',
    scanner: { caseStyle: 'allow-kebab-for-camel' },
  });
  const [command = '', ...rest] = words;
  await run(app, [command, '--bpffs', testing.store.root, ...rest], { process });
  return { code: Number(process.exitCode), out: written.out.join(''), err: written.err.join('') };
}

needs('bpf', 'root', 'clang').describe('load', () => {
  beforeEach(() => {
    fds = countFds();
    testing = testStore(openSys());
    directory = mkdtempSync(path.join(tmpdir(), 'rootlet-dynamic-'));
  });
  afterEach(() => {
    testing.close();
    rmSync(directory, { recursive: true });
    expect(countFds()).toBe(fds);
  });

  test('first, then second with nothing else said', async () => {
    expect(await rootlet('load', FIRST)).toMatchObject({ code: 0 });
    const { code, out } = await rootlet('load', SECOND, '--explain');
    expect(code).toBe(0);
    expect(out).toMatch(/^loaded second$/m);
    expect(out).toMatch(/^ {2}foo = first:foo by (tail|ext) \(code and state shared/m);
    expect(out).toMatch(/^ {2}minimum = first:minimum in place \(one variable for both\)$/m);
    expect(runStored(testing.store, 'second', 'count', new Uint8Array(50))).toBe(1);

    const { out: listed } = await rootlet('ps', '--bindings');
    expect(listed.split('\n').map(line => line.split(/ {2,}/).slice(0, 4))).toEqual([
      ['consumer', 'extern', 'provider', 'how'],
      ['object second', 'foo', 'first:foo', expect.stringMatching(/^(tail|ext)$/)],
      ['object second', 'minimum', 'first:minimum', 'in place'],
      ['object second', 'counters', 'first:counters', 'in place'],
      [''],
    ]);
    const { out: json } = await rootlet('ps', '--bindings', '--json');
    expect(JSON.parse(json).bindings[0]).toMatchObject({
      consumer: 'second',
      extern: 'foo',
      provider: 'first',
    });

    const replaced = await rootlet('replace', 'first', FIRST);
    expect(replaced).toMatchObject({ code: 0, err: '' });
    expect(replaced.out).toMatch(/^replaced first$/m);
    expect(replaced.out).toMatch(/^state kept: .*counters/m);
    expect(replaced.out).toMatch(
      /^consumer object second: its (tail-call slot has|stubs have) the new version$/m,
    );

    const refused = await rootlet('unload', 'first');
    expect(refused.code).toBe(EXIT.usage);
    expect(refused.err).toContain('object "second": uses function "foo"');
    expect(await rootlet('unload', 'first', '--force')).toMatchObject({
      code: 0,
      err: 'rootlet: note: second keeps the code and maps that it uses\n',
    });
    expect(runStored(testing.store, 'second', 'count', new Uint8Array(50))).toBe(1); // it keeps what it has
    // another one of its name has nothing to do with it
    expect((await rootlet('ps', '--bindings')).out).toMatch(
      /second +foo +- +open +first was unloaded although it was in use/,
    );
    expect(await rootlet('load', FIRST)).toMatchObject({ code: 0 });
    expect((await rootlet('replace', 'first', FIRST)).out).not.toContain('second');
    expect(await rootlet('unload', 'first')).toMatchObject({ code: 0 });
    expect(await rootlet('unload', 'second')).toMatchObject({ code: 0 });
  });

  test('what is missing, ambiguous or said wrongly', async () => {
    expect(await rootlet('load', SECOND)).toMatchObject({
      code: EXIT.input,
      err: expect.stringContaining('"foo" is defined neither here nor by a loaded object'),
    });
    await rootlet('load', FIRST);
    await rootlet('load', FIRST, '--name', 'other');
    const ambiguous = await rootlet('load', SECOND);
    expect(ambiguous.code).toBe(EXIT.input);
    expect(ambiguous.err).toContain('"foo" is defined by 2 loaded objects');
    expect(ambiguous.err).toContain('first: int foo(struct xdp_md *ctx)');
    expect(ambiguous.err).toContain('other: int foo(struct xdp_md *ctx)');
    expect(ambiguous.err).toContain('--bind foo=first:foo');
    expect(await rootlet('load', SECOND, '--against', 'nobody')).toMatchObject({
      code: EXIT.usage,
      err: expect.stringContaining('no object "nobody" is loaded'),
    });
    for (const words of [
      ['--bind', 'x=other:foo'],
      ['--via', 'tail'],
    ]) {
      const { code, out } = await rootlet('load', FIRST, '--name', 'third', '--json', ...words);
      expect([code, JSON.parse(out).problems]).toMatchObject([EXIT.usage, [{ code: 'dynamic-no-extern' }]]);
    }
    expect(await rootlet('load', SECOND, '--against', 'other')).toMatchObject({ code: 0 });
    expect(await rootlet('load', SECOND, '--name', 's2', '--bind', 'foo=first:fooo')).toMatchObject({
      err: expect.stringContaining('did you mean "foo"?'),
    });
  });

  test('lazily: the consumer first, bound when the provider comes', async () => {
    const { waiter, late, reader, wrong } = compiled({
      waiter: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
extern int late(struct xdp_md *ctx);
SEC("xdp") int waiter(struct xdp_md *ctx) { return late(ctx) + 10; }
char _license[] SEC("license") = "GPL";`,
      late: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
int calls;
__attribute__((noinline)) int late(struct xdp_md *ctx) { calls++; return 1; }
char _license[] SEC("license") = "GPL";`,
      reader: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
extern int counter;
SEC("xdp") int reader(struct xdp_md *ctx) { return counter; }
char _license[] SEC("license") = "GPL";`,
      wrong: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
__attribute__((noinline)) long late(struct xdp_md *ctx) { return ctx->data_end - ctx->data; }
char _license[] SEC("license") = "GPL";`,
    });
    const file = (name: string, object: typeof waiter): string => {
      const at = path.join(directory, name);
      writeFileSync(at, writeObject(object));
      return at;
    };
    const never = await rootlet('load', file('reader.o', reader), '--lazy', '--via', 'tail');
    expect(never.code).toBe(EXIT.input);
    expect(never.err).toMatch(
      /"counter" is defined neither here[\s\S]*variables and maps cannot be bound later/,
    );

    expect((await rootlet('load', file('waiter.o', waiter))).code).toBe(EXIT.input);
    expect(await rootlet('load', file('waiter.o', waiter), '--lazy')).toMatchObject({ code: 0 });
    expect(runStored(testing.store, 'waiter', 'waiter')).toBe(12); // XDP_PASS, and 10

    const disagreeing = await rootlet('load', file('wrong.o', wrong));
    expect(disagreeing.code).toBe(0);
    expect(disagreeing.err).toMatch(/not bound: waiter: [\s\S]*long[\s\S]*int late/);
    expect(runStored(testing.store, 'waiter', 'waiter')).toBe(12);
    await rootlet('unload', 'wrong');

    const { out } = await rootlet('load', file('late.o', late));
    expect(out).toMatch(/waiter: late = late:late by (tail|ext)/);
    expect(runStored(testing.store, 'waiter', 'waiter')).toBe(11);
    expect((await rootlet('unload', 'late')).code).toBe(EXIT.usage);
  });
});
