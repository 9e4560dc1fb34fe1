// SPDX-License-Identifier: MIT
/* Congestion control in a table of the first kind, which all loaders know. */
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

SEC(".struct_ops")
struct tcp_congestion_ops written = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.flags = 1,
	.name = "rootlet_one",
};

char _license[] SEC("license") = "GPL";
