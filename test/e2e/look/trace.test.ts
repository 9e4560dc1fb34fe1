/** `rootlet trace` on this kernel, with a tracefs that is mounted for the test alone. */

import { readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';
import { compileInto } from '../../support/compile.ts';
import { type JsonSchema, schemaErrors } from '../../support/json-schema.ts';
import { needs } from '../../support/needs.ts';
import { PrivateShell } from '../../support/private-shell.ts';

vi.setConfig({ testTimeout: 60_000 }); // each command is a process

const SCHEMA: JsonSchema = JSON.parse(readFileSync('docs/schema/trace.schema.json', 'utf8'));

const PRINTS = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int talks(struct xdp_md *ctx) { bpf_printk("rootlet test: %d bytes", 60); return XDP_PASS; }
char _license[] SEC("license") = "GPL";
`;

needs('root', 'bpf', 'clang', 'ip').test('lines with the function that printed', async () => {
  const shell = await PrivateShell.open();
  try {
    compileInto(shell.directory, { talks: PRINTS });
    shell.must('mount -t bpf -o mode=0700 bpf /sys/fs/bpf && ip link add v0 type veth peer name v1');
    const hidden = shell.run(
      'mount -t tmpfs none /sys/kernel/tracing && rootlet trace; umount /sys/kernel/tracing',
    );
    expect(hidden.text).toMatch(/trace_pipe cannot be opened: ENOENT.*\n.*mount -t tracefs nodev/);
    shell.must('mount -t tracefs nodev /sys/kernel/tracing');
    shell.must('rootlet attach xdp v0 talks.o --mode generic --name noisy');
    // packets of neighbour discovery
    const traffic = '(sleep 1; ip link set v0 up; ip link set v1 up) &';
    const found = shell.run(`${traffic} timeout 20 rootlet trace --json | grep -m1 'rootlet test'`);
    const line: unknown = JSON.parse(found.text);
    expect(schemaErrors(line, SCHEMA)).toEqual([]);
    expect(line).toMatchObject({
      text: 'rootlet test: 60 bytes',
      functions: [{ kind: 'hook', entry: 'noisy', component: null, function: 'talks' }],
    });
  } finally {
    shell.close();
  }
});
