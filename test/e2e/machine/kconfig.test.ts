/**
 * `rootlet run` with values of a kernel configuration, and maps that cannot be listed: the machine and the
 * kernel take the same file and show the same.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runCommand as run } from '../../../cli/commands/run.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { runCommand } from '../../support/command.ts';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-kconfig-'));
afterAll(() => rmSync(directory, { recursive: true }));

const SOURCES = {
  values: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
extern _Bool CONFIG_ON __kconfig;
extern enum libbpf_tristate CONFIG_MODULE __kconfig;
extern char CONFIG_LETTER __kconfig;
extern char CONFIG_TEXT[8] __kconfig;
extern short CONFIG_OCTAL __kconfig;
extern unsigned long CONFIG_HEX __kconfig;
extern int CONFIG_GONE __kconfig __weak;
__u64 values[6]; char text[8];
SEC("tc") int f(struct __sk_buff *skb) {
  values[0] = CONFIG_ON; values[1] = CONFIG_MODULE; values[2] = CONFIG_LETTER;
  values[3] = CONFIG_OCTAL; values[4] = CONFIG_HEX; values[5] = CONFIG_GONE;
  __builtin_memcpy(text, CONFIG_TEXT, 8);
  return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
  arena: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, 33); __uint(map_flags, 1 << 10); __uint(max_entries, 1); } space SEC(".maps");
int __attribute__((address_space(1))) seen = 5;
SEC("tc") int f(struct __sk_buff *skb) { seen++; return 0; }
char LICENSE[] SEC("license") = "GPL";`,
};
const WORDS = ['--packet', '00'.repeat(64), '--maps'];
const { sys } = kernelForTests();
const clang = needs('clang');

clang.describe('configuration values of run', () => {
  const [values = '', arena = ''] = clang.reason === undefined ? compileInto(directory, SOURCES) : [];
  const config = path.join(directory, 'config');
  const runOn = (words: readonly string[]) => runCommand(run, [values, ...WORDS, ...words], directory);

  describe.each([
    ['machine', []],
    ['kernel', ['--kernel']],
  ] as const)('in the %s', (engine, words) => {
    const works = test.skipIf(engine === 'kernel' && sys === null);

    works('each type of value', async () => {
      const lines = ['ON=y', 'MODULE=m', 'LETTER=y', 'TEXT="abcd"', 'OCTAL=017', 'HEX=0x1000000'];
      writeFileSync(config, lines.map(line => `CONFIG_${line}\n`).join(''));
      const { code, out } = await runOn(['--kconfig', config, ...words]);
      expect(code).toBe(0);
      expect(out).toContain('__u64 values[6] = {1, 2, 121, 15, 16777216, 0}');
      expect(out).toContain('char text[8] = "abcd"');
    });

    works('values that do not fit', async () => {
      writeFileSync(config, 'CONFIG_ON=m\nCONFIG_MODULE=y\nCONFIG_LETTER=300\nCONFIG_TEXT=5\n');
      const { code, err } = await runOn(['--kconfig', config, ...words]);
      expect(code).toBe(1);
      expect(err).toContain('kconfig "CONFIG_ON": is built as a module (m), which a bool cannot represent');
      expect(err).toContain('kconfig "CONFIG_LETTER": is 300, which does not fit into 1 byte\n');
      expect(err).toContain('kconfig "CONFIG_TEXT": is a number');
    });
  });

  test('the hint of the machine names the option', async () => {
    expect((await runOn([])).err).toContain('--kconfig FILE with a line CONFIG_ON=VALUE gives it');
  });

  test.skipIf(sys === null)('a map that the kernel does not list', async () => {
    const { code, out } = await runCommand(run, [arena, ...WORDS, '--kernel'], directory);
    expect(code).toBe(0);
    expect(out).toContain('space (arena):\n  not listed: ');
    const json = await runCommand(run, [arena, ...WORDS, '--kernel', '--json'], directory);
    expect(JSON.parse(json.out).maps).toMatchObject([
      { name: 'space', entries: [], unlisted: expect.stringContaining('EOPNOTSUPP') },
    ]);
  });
});
