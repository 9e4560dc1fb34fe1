// SPDX-License-Identifier: MIT
/* Programs that others send packets to: maps of devices and processors, routes, actions of filters. UDP port 9 alone. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} processors SEC(".maps");

long redirected, at_device, from_device, at_processor, marked;
long incoming, outgoing, sent;

static __always_inline int is_counted(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	return data + 42 <= end && data[23] == 17 && data[36] == 0 && data[37] == 9;
}

SEC("xdp")
int to_device(struct xdp_md *ctx)
{
	if (!is_counted(ctx))
		return XDP_PASS;
	redirected++;
	return bpf_redirect_map(&ports, 0, 0);
}

SEC("xdp/devmap")
int in_devices(struct xdp_md *ctx)
{
	at_device++;
	from_device = ctx->ingress_ifindex;
	return XDP_DROP;
}

SEC("xdp")
int to_processor(struct xdp_md *ctx)
{
	if (!is_counted(ctx))
		return XDP_PASS;
	redirected++;
	return bpf_redirect_map(&processors, 0, 0);
}

SEC("xdp/cpumap")
int in_processors(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&at_processor, 1);
	return XDP_DROP;
}

static __always_inline int is_routed(struct __sk_buff *skb)
{
	__u8 protocol = 0;
	__be16 port = 0;

	bpf_skb_load_bytes(skb, 9, &protocol, 1);
	bpf_skb_load_bytes(skb, 20 + 2, &port, 2);
	return protocol == 17 && port == bpf_htons(9);
}

SEC("lwt_in")
int route_in(struct __sk_buff *skb)
{
	incoming += is_routed(skb);
	return BPF_OK;
}

SEC("lwt_out")
int route_out(struct __sk_buff *skb)
{
	outgoing += is_routed(skb);
	return BPF_OK;
}

SEC("lwt_xmit")
int route_xmit(struct __sk_buff *skb)
{
	sent += is_routed(skb);
	return BPF_OK;
}

SEC("tc")
int every(struct __sk_buff *skb)
{
	return -1; /* matches */
}

SEC("action")
int act(struct __sk_buff *skb)
{
	__be16 port = 0;

	bpf_skb_load_bytes(skb, 14 + 20 + 2, &port, 2);
	if (port == bpf_htons(9))
		marked++;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
