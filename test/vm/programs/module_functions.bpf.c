// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* Functions and variables that modules give to programs: connection tracking, address translation, IPsec, x_tables. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define is_there(symbol) (!!(const void *)(symbol))

/* A connection, and one that is not in the table yet. */
struct nf_conn {
	unsigned long status;
	__u32 timeout;
} __attribute__((preserve_access_index));

struct nf_conn___init {
	struct nf_conn ct;
};

struct bpf_ct_opts {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

union nf_inet_addr {
	__u32 all[4];
	__be32 ip;
};

enum nf_nat_manip_type { NF_NAT_MANIP_SRC, NF_NAT_MANIP_DST };

struct bpf_xfrm_info {
	__u32 if_id;
	int link;
};

extern struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_size,
					       struct bpf_ct_opts *opts, __u32 opts_size) __ksym;
extern struct nf_conn *bpf_xdp_ct_lookup___mine(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_size,
						struct bpf_ct_opts *opts, __u32 opts_size) __ksym;
extern struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *connection) __ksym;
extern void bpf_ct_set_timeout(struct nf_conn___init *connection, __u32 timeout) __ksym;
extern int bpf_ct_set_status(const struct nf_conn___init *connection, __u32 status) __ksym;
extern void bpf_ct_release(struct nf_conn *connection) __ksym;
extern int bpf_ct_set_nat_info(struct nf_conn___init *connection, union nf_inet_addr *address, int port,
			       enum nf_nat_manip_type manip) __ksym;

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *tuple, __u32 tuple_size,
					 struct bpf_ct_opts *opts, __u32 opts_size) __ksym __weak;
extern int bpf_skb_set_xfrm_info(struct __sk_buff *skb, const struct bpf_xfrm_info *from) __ksym __weak;
extern int bpf_skb_get_xfrm_info(struct __sk_buff *skb, struct bpf_xfrm_info *to) __ksym __weak;

/* No module has this one; of the other one it has another prototype. */
extern int bpf_ct_of_the_future(struct nf_conn *connection) __ksym __weak;
extern int bpf_ct_release___odd(int one, int two, int three) __ksym __weak;

/* Variables. */
typedef struct seqcount {
	unsigned int sequence;
} seqcount_t;
struct rq {
	unsigned int nr_running;
};

extern const seqcount_t xt_recseq __ksym;
extern const struct rq runqueues __ksym;
extern const int xt_of_the_future __ksym __weak;
extern const void veth_open __ksym;

int allocated, inserted, natted, status, found, missed, absent, if_id, lookup_error;
unsigned long long distance, address;

static __always_inline void describe(struct bpf_sock_tuple *tuple, __u16 port)
{
	tuple->ipv4.saddr = bpf_htonl(0x0a4d0001);
	tuple->ipv4.daddr = bpf_htonl(0x0a4d0002);
	tuple->ipv4.sport = bpf_htons(port);
	tuple->ipv4.dport = bpf_htons(9);
}

/* Makes a connection, with another destination address, and finds it again. */
SEC("?xdp")
int connection(struct xdp_md *ctx)
{
	struct bpf_ct_opts opts = { .netns_id = -1, .l4proto = 17 };
	struct bpf_sock_tuple tuple = {};
	union nf_inet_addr other = {};
	struct nf_conn___init *fresh;
	struct nf_conn *made;

	describe(&tuple, 4000);
	fresh = bpf_xdp_ct_alloc(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!fresh)
		return XDP_DROP;
	allocated++;
	other.ip = bpf_htonl(0x0a4d0003);
	natted = bpf_ct_set_nat_info(fresh, &other, 99, NF_NAT_MANIP_DST);
	bpf_ct_set_timeout(fresh, 30000);
	bpf_ct_set_status(fresh, 1 << 3); /* IPS_CONFIRMED */
	made = bpf_ct_insert_entry(fresh);
	if (!made)
		return XDP_DROP;
	inserted++;
	bpf_ct_release(made);

	made = bpf_xdp_ct_lookup___mine(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!made)
		return XDP_DROP;
	found++;
	status = made->status;
	bpf_ct_release(made);

	describe(&tuple, 4001);
	made = bpf_xdp_ct_lookup___mine(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (made)
		bpf_ct_release(made);
	else
		missed = opts.error;

	if (is_there(bpf_ct_of_the_future))
		absent = bpf_ct_of_the_future(made);
	else
		absent++;
	if (is_there(bpf_ct_release___odd))
		absent = bpf_ct_release___odd(1, 2, 3);
	else
		absent++;
	return XDP_PASS;
}

/* Functions of two modules in a program of another type; one of the modules is newer than Linux 6.1. */
SEC("?tc")
int encapsulated(struct __sk_buff *skb)
{
	struct bpf_ct_opts opts = { .netns_id = -1, .l4proto = 17 };
	struct bpf_xfrm_info to = { .if_id = 77, .link = 0 }, from = {};
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *known;

	if (is_there(bpf_skb_ct_lookup)) {
		describe(&tuple, 4002);
		known = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
		lookup_error = opts.error;
		if (known)
			bpf_ct_release(known);
	}
	if (!is_there(bpf_skb_set_xfrm_info) || !is_there(bpf_skb_get_xfrm_info))
		return 1;
	if (bpf_skb_set_xfrm_info(skb, &to) || bpf_skb_get_xfrm_info(skb, &from))
		return 2;
	if_id = from.if_id;
	return 0;
}

SEC("?raw_tp/sys_enter")
int variables(void *ctx)
{
	seqcount_t *ours = bpf_per_cpu_ptr(&xt_recseq, 0);
	struct rq *kernels = bpf_per_cpu_ptr(&runqueues, 0);

	if (ours && kernels)
		distance = (unsigned long long)ours - (unsigned long long)kernels;
	address = (unsigned long long)&veth_open;
	absent = &xt_of_the_future == 0;
	return 0;
}

char _license[] SEC("license") = "GPL";
