// SPDX-License-Identifier: MIT
/* Programs on hooks of network namespaces: which socket gets a packet, how packets are taken apart, netfilter. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, __u64);
} servers SEC(".maps");

long looked_up, chosen, dissected, hashed, filtered, family;
int verdict = 1; /* NF_ACCEPT */

/* Whoever connects to port 7777 gets to the server in the map. */
SEC("?sk_lookup")
int choose(struct bpf_sk_lookup *ctx)
{
	struct bpf_sock *sk;
	int key = 0;

	if (ctx->local_port != 7777)
		return SK_PASS;
	looked_up++;
	sk = bpf_map_lookup_elem(&servers, &key);
	if (!sk)
		return SK_DROP;
	if (bpf_sk_assign(ctx, sk, 0) == 0)
		chosen++;
	bpf_sk_release(sk);
	return SK_PASS;
}

SEC("?sk_lookup")
int refuse(struct bpf_sk_lookup *ctx)
{
	return ctx->local_port == 7777 ? SK_DROP : SK_PASS;
}

/* Takes all packets apart to the same two ports. */
SEC("?flow_dissector")
int dissect(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;

	dissected++;
	keys->addr_proto = 0x0800;
	keys->ip_proto = 17;
	keys->sport = bpf_htons(1);
	keys->dport = bpf_htons(2);
	return BPF_OK;
}

/* Has the kernel take a packet apart. */
SEC("?tc")
int hash(struct __sk_buff *skb)
{
	bpf_set_hash_invalid(skb);
	hashed = bpf_get_hash_recalc(skb);
	return TC_ACT_OK;
}

struct nf_hook_state {
	__u8 hook;
	__u8 pf;
} __attribute__((preserve_access_index));

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	void *skb;
};

SEC("?netfilter")
int filter(struct bpf_nf_ctx *ctx)
{
	filtered++;
	family = ctx->state->pf;
	return verdict & 1;
}

char _license[] SEC("license") = "GPL";
