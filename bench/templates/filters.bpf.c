// SPDX-License-Identifier: MIT
/*
 * The chain benchmark's filters, in all the ways a chain can be built:
 *   -DONE=i         one filter as a program of its own
 *   -DSTATIC -DCOUNT=n    n filters in one file, static functions that are called in turn
 *   -DINLINE -DCOUNT=n    the same, inlined
 *   -DTAIL -DCOUNT=n      n programs, each of which tail calls the next
 *   -DEMPTY         a program that does nothing
 * With -DINDEPENDENT, filters test different fields, each with bounds of its own; otherwise all test the same ones.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#ifndef INDEPENDENT
/* Drops UDP packets to one port; the packets of the benchmark go to another one. */
static __always_inline int filter(struct xdp_md *ctx, int i)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != 17)
		return XDP_PASS;
	return udp->dest == bpf_htons(5000 + i) ? XDP_DROP : XDP_PASS;
}
#else
/* Five sorts of filters in turn; none has a field in common with the one before it. */
static __always_inline int filter(struct xdp_md *ctx, int i)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);

	switch (i % 5) {
	case 0: /* one station */
		if ((void *)(eth + 1) > end)
			return XDP_PASS;
		return eth->h_source[5] == 100 + i ? XDP_DROP : XDP_PASS;
	case 1: /* one source address */
		if ((void *)(ip + 1) > end)
			return XDP_PASS;
		return ip->saddr == bpf_htonl(0x0a000001 + i) ? XDP_DROP : XDP_PASS;
	case 2: /* packets of one length */
		if ((void *)&ip->id > end)
			return XDP_PASS;
		return ip->tot_len == bpf_htons(1000 + i) ? XDP_DROP : XDP_PASS;
	case 3: /* one source port */
		if ((void *)&tcp->seq > end)
			return XDP_PASS;
		return tcp->source == bpf_htons(7000 + i) ? XDP_DROP : XDP_PASS;
	default: /* one time to live */
		if ((void *)&ip->check > end)
			return XDP_PASS;
		return ip->ttl == 100 + i ? XDP_DROP : XDP_PASS;
	}
}
#endif

#define EACH(do, n) EACH_(do, n)
#define EACH_(do, n) EACH_##n(do)
#define EACH_1(do) do(0)
#define EACH_2(do) EACH_1(do) do(1)
#define EACH_5(do) EACH_2(do) do(2) do(3) do(4)
#define EACH_10(do) EACH_5(do) do(5) do(6) do(7) do(8) do(9)
#define EACH_20(do) EACH_10(do) do(10) do(11) do(12) do(13) do(14) do(15) do(16) do(17) do(18) do(19)
#define EACH_40(do) EACH_20(do) do(20) do(21) do(22) do(23) do(24) do(25) do(26) do(27) do(28) do(29) \
	do(30) do(31) do(32) do(33) do(34) do(35) do(36) do(37) do(38) do(39)
#define EACH_60(do) EACH_40(do) do(40) do(41) do(42) do(43) do(44) do(45) do(46) do(47) do(48) do(49) \
	do(50) do(51) do(52) do(53) do(54) do(55) do(56) do(57) do(58) do(59)
#define EACH_30(do) EACH_20(do) do(20) do(21) do(22) do(23) do(24) do(25) do(26) do(27) do(28) do(29)

#ifdef EMPTY
SEC("xdp")
int prog(struct xdp_md *ctx)
{
	return XDP_PASS;
}
#endif

#ifdef ONE
SEC("xdp")
int prog(struct xdp_md *ctx)
{
	return filter(ctx, ONE);
}
#endif

#if defined(STATIC) || defined(INLINE)
#ifdef STATIC
#define KIND static __noinline
#else
#define KIND static __always_inline
#endif
#define DEFINE(i) KIND int filter_##i(struct xdp_md *ctx) { return filter(ctx, i); }
EACH(DEFINE, COUNT)

#define CALL(i) if ((verdict = filter_##i(ctx)) != XDP_PASS) return verdict;
SEC("xdp")
int prog(struct xdp_md *ctx)
{
	int verdict;

	EACH(CALL, COUNT)
	return XDP_PASS;
}
#endif

#ifdef TAIL
int prog(struct xdp_md *ctx);
#define DECLARE(i) int tail_##i(struct xdp_md *ctx);
EACH(DECLARE, COUNT)

#define ENTRY(i) [i] = (void *)&tail_##i,
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, COUNT);
	__uint(key_size, 4);
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = { .values = { EACH(ENTRY, COUNT) } };

#define STEP(i)                                                    \
	SEC("xdp")                                                 \
	int tail_##i(struct xdp_md *ctx)                           \
	{                                                          \
		int verdict = filter(ctx, i);               \
		if (verdict != XDP_PASS)                           \
			return verdict;                            \
		if (i + 1 < COUNT)                                 \
			bpf_tail_call(ctx, &next, i + 1);          \
		return XDP_PASS;                                   \
	}
EACH(STEP, COUNT)

SEC("xdp")
int prog(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &next, 0);
	return XDP_PASS;
}
#endif

char _license[] SEC("license") = "Dual MIT/GPL";
