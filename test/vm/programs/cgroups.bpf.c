// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* One program for each hook of cgroups. Each counts, and refuses when it is told to; some change what is said. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

long ran;
int refuse;

#define SHOWN_PORT 1234
#define MARK 77

static __always_inline int judge(void)
{
	__sync_fetch_and_add(&ran, 1);
	return !refuse;
}

/* Hooks that can refuse. */
#define JUDGED(section, name, context)                                                                                 \
	SEC("?" section)                                                                                               \
	int name(context *ctx)                                                                                         \
	{                                                                                                              \
		return judge();                                                                                        \
	}

JUDGED("cgroup/sock_release", sock_release, struct bpf_sock)
JUDGED("cgroup/post_bind4", post_bind4, struct bpf_sock)
JUDGED("cgroup/post_bind6", post_bind6, struct bpf_sock)
JUDGED("cgroup/bind4", bind4, struct bpf_sock_addr)
JUDGED("cgroup/bind6", bind6, struct bpf_sock_addr)
JUDGED("cgroup/connect4", connect4, struct bpf_sock_addr)
JUDGED("cgroup/connect6", connect6, struct bpf_sock_addr)
JUDGED("cgroup/connect_unix", connect_unix, struct bpf_sock_addr)
JUDGED("cgroup/sendmsg4", sendmsg4, struct bpf_sock_addr)
JUDGED("cgroup/sendmsg6", sendmsg6, struct bpf_sock_addr)
JUDGED("cgroup/sendmsg_unix", sendmsg_unix, struct bpf_sock_addr)
JUDGED("cgroup/setsockopt", setsockopt, struct bpf_sockopt)
JUDGED("cgroup/getsockopt", getsockopt, struct bpf_sockopt)

/* Hooks that change the port that the process is told. */
#define RENAMED(section, name)                                                                                         \
	SEC("?" section)                                                                                               \
	int name(struct bpf_sock_addr *ctx)                                                                            \
	{                                                                                                              \
		judge();                                                                                               \
		ctx->user_port = bpf_htons(SHOWN_PORT);                                                                \
		return 1;                                                                                              \
	}

RENAMED("cgroup/recvmsg4", recvmsg4)
RENAMED("cgroup/recvmsg6", recvmsg6)
RENAMED("cgroup/getpeername4", getpeername4)
RENAMED("cgroup/getpeername6", getpeername6)
RENAMED("cgroup/getsockname4", getsockname4)
RENAMED("cgroup/getsockname6", getsockname6)

SEC("?cgroup/sock_create")
int sock_create(struct bpf_sock *ctx)
{
	ctx->mark = MARK;
	return judge();
}

/* Redirects to another server. */
SEC("?cgroup/connect4")
int redirect4(struct bpf_sock_addr *ctx)
{
	ctx->user_port = bpf_htons(7002);
	return judge();
}

static __always_inline int is_counted(struct __sk_buff *skb)
{
	__u8 protocol = 0;
	__be16 port = 0;

	bpf_skb_load_bytes(skb, 9, &protocol, 1);
	bpf_skb_load_bytes(skb, 20 + 2, &port, 2);
	return protocol == 17 && port == bpf_htons(7001);
}

SEC("?cgroup_skb/ingress")
int ingress(struct __sk_buff *skb)
{
	return is_counted(skb) ? judge() : 1;
}

SEC("?cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	return is_counted(skb) ? judge() : 1;
}

SEC("?sockops")
int sockops(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		judge();
	return 1;
}

/* /proc/sys/kernel/ostype */
SEC("?cgroup/sysctl")
int sysctl(struct bpf_sysctl *ctx)
{
	char name[16] = {};

	bpf_sysctl_get_name(ctx, name, sizeof(name), BPF_F_SYSCTL_BASE_NAME);
	return name[0] == 'o' && name[1] == 's' && name[2] == 't' ? judge() : 1;
}

/* /dev/zero */
SEC("?cgroup/dev")
int device(struct bpf_cgroup_dev_ctx *ctx)
{
	return ctx->major == 1 && ctx->minor == 5 ? judge() : 1;
}

struct socket;

SEC("?lsm_cgroup/socket_bind")
int BPF_PROG(lsm_bind, struct socket *sock, void *address, int length)
{
	return judge();
}

char _license[] SEC("license") = "GPL";
