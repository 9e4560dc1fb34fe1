// SPDX-License-Identifier: MIT
/* A component for a tracepoint, whose context is spelled otherwise than in the rootlet. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct seen_event {
	__u64 common;
	int value;
};

__u64 events;

SEC("tracepoint/sched/sched_process_fork")
int re_part(struct seen_event *ctx)
{
	__sync_fetch_and_add(&events, 1);
	return 1000;
}

char _license[] SEC("license") = "GPL";
