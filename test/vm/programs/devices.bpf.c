// SPDX-License-Identifier: MIT
/* Programs on devices that newer kernels have, in an order, and on packets of many pages. All look at UDP port 9 alone. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NEXT (-1) /* TCX_NEXT, NETKIT_NEXT */
#define DROP 2	  /* TCX_DROP, NETKIT_DROP */

long from_primary, from_peer, dropped, order, length, last;

static __always_inline int is_counted(struct __sk_buff *skb)
{
	__u8 protocol = 0;
	__be16 port = 0;

	bpf_skb_load_bytes(skb, 14 + 9, &protocol, 1);
	bpf_skb_load_bytes(skb, 14 + 20 + 2, &port, 2);
	return protocol == 17 && port == bpf_htons(9);
}

SEC("?netkit/primary")
int leave_primary(struct __sk_buff *skb)
{
	if (is_counted(skb))
		from_primary++;
	return NEXT;
}

SEC("?netkit/peer")
int leave_peer(struct __sk_buff *skb)
{
	if (is_counted(skb))
		from_peer++;
	return NEXT;
}

SEC("?netkit/peer")
int stop_peer(struct __sk_buff *skb)
{
	if (!is_counted(skb))
		return NEXT;
	dropped++;
	return DROP;
}

/* Each leaves its digit. */
static __always_inline int digit(struct __sk_buff *skb, int value)
{
	if (is_counted(skb))
		order = order * 10 + value;
	return NEXT;
}

SEC("?tcx/ingress")
int one(struct __sk_buff *skb)
{
	return digit(skb, 1);
}

SEC("?tcx/ingress")
int two(struct __sk_buff *skb)
{
	return digit(skb, 2);
}

SEC("?tcx/ingress")
int three(struct __sk_buff *skb)
{
	return digit(skb, 3);
}

SEC("?tcx/egress")
int outwards(struct __sk_buff *skb)
{
	return digit(skb, 9);
}

/* Length of a packet, and its last byte. */
static __always_inline int measure(struct xdp_md *ctx)
{
	long size = bpf_xdp_get_buff_len(ctx);
	__be16 port = 0;
	__u8 byte = 0;

	bpf_xdp_load_bytes(ctx, 14 + 20 + 2, &port, 2);
	if (port != bpf_htons(9))
		return XDP_PASS;
	length = size;
	bpf_xdp_load_bytes(ctx, size - 1, &byte, 1);
	last = byte;
	return XDP_PASS;
}

SEC("?xdp.frags")
int measure_parts(struct xdp_md *ctx)
{
	return measure(ctx);
}

SEC("?xdp")
int measure_one(struct xdp_md *ctx)
{
	return measure(ctx);
}

char _license[] SEC("license") = "GPL";
