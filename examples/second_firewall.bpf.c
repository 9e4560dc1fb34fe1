// SPDX-License-Identifier: MIT
/* Drops TCP and UDP packets to blocked ports: those in a range, but for the ones that the map `rules` allows. */
#include "packet.h"
#include <linux/tcp.h>
#include <linux/udp.h>

struct rule {
	__u32 allow;
	__u32 hits;
};

/* Same name as in the first firewall, another kind of map. Key: port in host byte order. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct rule);
} rules SEC(".maps");

const volatile __u16 first_port = 6000;
const volatile __u16 last_port = 6063;

/* Same name as in the first firewall; per protocol here. */
__u32 drops[256] = {};

static volatile __u32 seen;

static const char name[] = "second firewall";

/* Destination port in host byte order; 0 when the packet has none. */
static __noinline int destination_port(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ipv4_header(ctx);
	struct udphdr *udp;

	/* The first byte is version and header length; as bit fields they would be right for one byte order only. */
	if (!ip || *(__u8 *)ip != 0x45 || (ip->frag_off & bpf_htons(0x1fff)))
		return 0;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return 0;
	udp = (void *)(ip + 1); /* both protocols start with the ports */
	if ((void *)&udp->len > end)
		return 0;
	return bpf_ntohs(udp->dest);
}

__noinline int foo(struct xdp_md *ctx)
{
	__u32 port = destination_port(ctx);
	struct iphdr *ip = ipv4_header(ctx);
	struct rule *rule;

	seen++;
	if (!ip || port < first_port || port > last_port)
		return XDP_PASS;
	rule = bpf_map_lookup_elem(&rules, &port);
	if (rule && rule->allow) {
		rule->hits++;
		return XDP_PASS;
	}
	drops[ip->protocol]++;
	bpf_printk("%s drops a packet to port %d", name, port);
	return XDP_DROP;
}

SEC("xdp")
int xdp_prog2(struct xdp_md *ctx)
{
	return foo(ctx);
}

char _license[] SEC("license") = "Dual MIT/GPL";
