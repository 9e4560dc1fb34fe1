/* SPDX-License-Identifier: MIT */
/*
 * Rootlet and components that count every packet (test/e2e/slots/traffic.ts). All versions of a component share `counts`.
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#ifndef COUNTS
#define COUNTS 4
#endif

/* In components: judged by version 0, by version 1, met two versions; in the rootlet: all, judged by a slot's own code. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline void count(__u32 entry)
{
	__u64 *value = bpf_map_lookup_elem(&counts, &entry);

	if (value)
		__sync_fetch_and_add(value, 1);
}

/* The byte of a packet in which the first slot leaves its version for the second one. */
static __always_inline unsigned char *mark(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	unsigned char *end = (void *)(long)ctx->data_end;

	return data + 64 > end ? 0 : data + 60;
}

#endif
