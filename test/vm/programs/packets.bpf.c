// SPDX-License-Identifier: MIT
/* Programs on the way of a packet. Each counts UDP packets to port 9, and lets them pass or not. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

int at_driver, at_ingress, at_egress;

/* What is done with those packets. */
volatile int driver_verdict = XDP_PASS, ingress_verdict = TC_ACT_OK, egress_verdict = TC_ACT_OK;

static __always_inline int is_counted(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	return (void *)(udp + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IP) && ip->protocol == 17 &&
	       udp->dest == bpf_htons(9);
}

SEC("xdp")
int driver(struct xdp_md *ctx)
{
	if (!is_counted((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	__sync_fetch_and_add(&at_driver, 1);
	return driver_verdict;
}

SEC("tc")
int ingress(struct __sk_buff *ctx)
{
	bpf_skb_pull_data(ctx, 42);
	if (!is_counted((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return TC_ACT_OK;
	__sync_fetch_and_add(&at_ingress, 1);
	return ingress_verdict;
}

SEC("tc")
int egress(struct __sk_buff *ctx)
{
	bpf_skb_pull_data(ctx, 42);
	if (!is_counted((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return TC_ACT_OK;
	__sync_fetch_and_add(&at_egress, 1);
	return egress_verdict;
}

char _license[] SEC("license") = "GPL";
