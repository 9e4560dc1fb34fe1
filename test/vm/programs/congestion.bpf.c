// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* Congestion control in programs: two versions of one algorithm, which lean on functions of the kernel and of a module. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock_common {
	unsigned short skc_family;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct tcp_congestion_ops {
	char name[16];
	void (*init)(struct sock *sk);
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
};

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;
/* Of module tcp_dctcp. */
extern __u32 dctcp_ssthresh(struct sock *sk) __ksym;

long begun, first, second, threshold, family;

SEC("struct_ops/begin")
void BPF_PROG(begin, struct sock *sk)
{
	begun++;
	family = sk->__sk_common.skc_family;
}

SEC("struct_ops/slow_down")
__u32 BPF_PROG(slow_down, struct sock *sk)
{
	return tcp_reno_ssthresh(sk);
}

SEC("struct_ops/take_back")
__u32 BPF_PROG(take_back, struct sock *sk)
{
	return tcp_reno_undo_cwnd(sk);
}

SEC("struct_ops/speed_up")
void BPF_PROG(speed_up, struct sock *sk, __u32 ack, __u32 acked)
{
	first++;
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("struct_ops/speed_up_again")
void BPF_PROG(speed_up_again, struct sock *sk, __u32 ack, __u32 acked)
{
	second++;
	threshold = dctcp_ssthresh(sk);
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops version_1 = {
	.name = "vm_control",
	.init = (void *)begin,
	.ssthresh = (void *)slow_down,
	.cong_avoid = (void *)speed_up,
	.undo_cwnd = (void *)take_back,
};

SEC(".struct_ops.link")
struct tcp_congestion_ops version_2 = {
	.name = "vm_control",
	.init = (void *)begin,
	.ssthresh = (void *)slow_down,
	.cong_avoid = (void *)speed_up_again,
	.undo_cwnd = (void *)take_back,
};

char _license[] SEC("license") = "GPL";
