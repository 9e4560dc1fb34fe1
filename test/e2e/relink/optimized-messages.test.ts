/** Messages about optimized code: file and line of C of a function that was inlined, from the machine and the verifier. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { RootletError } from '../../../src/diag/problem.ts';
import { relinkChain } from '../../../src/link/relink-chain.ts';
import { loadObject } from '../../../src/load/load.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { missing, needs } from '../../support/needs.ts';
import { kernel } from '../slots/support.ts';
import { portFilter } from './filters.ts';

vi.setConfig({ testTimeout: 60_000 }); // compiles

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-messages-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The read that is not checked is in line 6. */
const READS = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
static __attribute__((noinline)) int byte_of(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	return data[500];
}
SEC("xdp") int reads(struct xdp_md *ctx) { return byte_of(ctx) ? XDP_DROP : XDP_PASS; }
char _license[] SEC("license") = "GPL";
`;

function optimized(): BpfObject {
  const files = compileInto(directory, { telnet: portFilter('telnet', 23), reads: READS });
  const result = relinkChain(files.map(file => ({ component: inputFrom(file) })));
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  const functions = result.object.symbols.filter(({ kind }) => kind === 'function');
  expect(functions.map(({ name }) => name)).toEqual(['chain']);
  return result.object;
}

needs('clang').test('a fault in the machine', () => {
  // no TCP packet, so that the first filter passes it
  const run = (): unknown => createMachine(optimized()).run(new Uint8Array(64));
  expect(run).toThrow(
    /function "chain": insn \d+: invalid read of 1 byte: .*; \S*reads\.bpf\.c:6: return data\[500\];$/,
  );
});

test.skipIf(missing('clang', 'bpf') !== undefined)('a refusal of the verifier', () => {
  try {
    loadObject(optimized(), kernel);
    expect.unreachable();
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const [problem] = error.problems;
    expect(problem?.code).toBe('kernel-verifier-refused');
    expect(problem?.where).toEqual(
      expect.arrayContaining(['program "chain"', expect.stringMatching(/reads\.bpf\.c:6$/)]),
    );
    expect(problem?.details?.[0]).toBe('source: return data[500];');
  }
});
