/** C for tests of chains on interfaces: programs that count, and return a verdict that can be set. */

const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
`;

export interface ProgramParts {
  readonly section?: string;
  readonly context?: string;
  /** Run configuration of libxdp. */
  readonly priority?: number;
}

/** A program of the name `program`: counts packets in `seen`, and returns the constant `verdict`. */
export function counting(program: string, verdict: number, parts: ProgramParts = {}): string {
  const { section = 'xdp', context = 'struct xdp_md', priority } = parts;
  const config =
    priority === undefined
      ? ''
      : `struct { int (*priority)[${priority}]; } _${program} SEC(".xdp_run_config") = {};`;
  return `${HEAD}
__u64 seen;
const volatile int verdict = ${verdict};
${config}
SEC("${section}") int ${program}(${context} *ctx) { seen++; return verdict; }`;
}
