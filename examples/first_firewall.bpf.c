// SPDX-License-Identifier: MIT
/* Drops IPv4 packets from blocked sources: those in the map `rules`, and one that is blocked by default. */
#include "packet.h"

struct rule {
	__u64 hits;
	__u32 added_by;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct rule);
} rules SEC(".maps");

/* 192.0.2.66. A loader may set another one, so the compiler may not take it for a constant. */
const volatile __be32 default_blocked = bpf_htonl(0xc0000242);

/* Packets that this firewall dropped. */
__u64 drops = 0;

/* Packets that it looked at; nobody else can see it. */
static volatile __u64 seen;

static const char name[] = "first firewall";

static __noinline int is_default(__be32 source)
{
	return source == default_blocked;
}

__noinline int foo(struct xdp_md *ctx)
{
	struct iphdr *ip = ipv4_header(ctx);
	struct rule *rule;
	__be32 source;

	seen++;
	if (!ip)
		return XDP_PASS;
	source = ip->saddr;
	rule = bpf_map_lookup_elem(&rules, &source);
	if (rule)
		__sync_fetch_and_add(&rule->hits, 1);
	if (!rule && !is_default(source))
		return XDP_PASS;
	drops++;
	bpf_printk("%s drops a packet", name);
	return XDP_DROP;
}

SEC("xdp")
int xdp_prog1(struct xdp_md *ctx)
{
	return foo(ctx);
}

char _license[] SEC("license") = "Dual MIT/GPL";
