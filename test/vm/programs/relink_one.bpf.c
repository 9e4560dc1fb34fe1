// SPDX-License-Identifier: MIT
/* A component with state of every kind. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

static volatile __u64 seen;
const volatile __u32 verdict = XDP_DROP;

SEC("xdp")
int rl_one(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&runs, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	seen++;
	return verdict;
}

char _license[] SEC("license") = "GPL";
