// SPDX-License-Identifier: MIT
/* Congestion control in three tables: one that is written into its map, one with a link, one that only newer loaders see. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sock;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	__u32 flags;
	char name[16];
};

/* Members of another kernel, which this one lacks. */
struct tcp_congestion_ops___other {
	char name[16];
	int future;
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*unheard_of)(struct sock *sk);
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
};

SEC("struct_ops/ssthresh")
__u32 ssthresh(__u64 *context)
{
	return 2;
}

SEC("struct_ops/cong_avoid")
int cong_avoid(__u64 *context)
{
	return 0;
}

SEC("struct_ops/undo_cwnd")
__u32 undo_cwnd(__u64 *context)
{
	return 2;
}

SEC("struct_ops/unheard_of")
int unheard_of(__u64 *context)
{
	return 0;
}

SEC("struct_ops/left_alone")
int left_alone(__u64 *context)
{
	return 0;
}

SEC(".struct_ops")
struct tcp_congestion_ops written = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.flags = 1,
	.name = "rootlet_one",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops linked = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "rootlet_two",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops___other flavoured = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.unheard_of = (void *)unheard_of,
	.name = "rootlet_two",
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops optional = {
	.ssthresh = (void *)left_alone,
	.name = "rootlet_four",
};

char _license[] SEC("license") = "GPL";
