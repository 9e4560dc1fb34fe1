// SPDX-License-Identifier: MIT
/* A typed variable of the kernel. Kernels without CONFIG_KALLSYMS_ALL refuse it: they do not know its address. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct rq {
	int cpu;
} __attribute__((preserve_access_index));

extern const struct rq runqueues __ksym;

SEC("xdp")
int variable(struct xdp_md *ctx)
{
	const struct rq *rq = bpf_per_cpu_ptr(&runqueues, 1);

	return rq ? rq->cpu : -1;
}

char _license[] SEC("license") = "GPL";
