// SPDX-License-Identifier: MIT
/* A rootlet on a tracepoint. Its context has no name, so the slot tags the parameter. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 sum;

__weak __noinline int slot(void *ctx __attribute__((btf_decl_tag("arg:ctx"))))
{
	volatile int value = 1;

	return value;
}

SEC("tracepoint/sched/sched_process_fork")
int re_host(void *ctx)
{
	__sync_fetch_and_add(&sum, slot(ctx));
	return 0;
}

char _license[] SEC("license") = "GPL";
