// SPDX-License-Identifier: MIT
/* One program for each kind of hook that takes a process, a socket or a map, counting how often it ran. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int hits = 0;
__u64 cookie = 0;

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, __u64);
} sockets SEC(".maps");

static int counted(int verdict)
{
	__sync_fetch_and_add(&hits, 1);
	return verdict;
}

SEC("socket")
int drop_all(struct __sk_buff *skb)
{
	return counted(0);
}

SEC("socket")
int keep_all(struct __sk_buff *skb)
{
	return counted(-1);
}

SEC("sk_reuseport")
int choose(struct sk_reuseport_md *reuse)
{
	return counted(SK_PASS);
}

SEC("sk_msg")
int message(struct sk_msg_md *msg)
{
	return counted(SK_PASS);
}

SEC("sk_skb/stream_verdict")
int stream(struct __sk_buff *skb)
{
	return counted(SK_PASS);
}

SEC("sk_lookup")
int lookup(struct bpf_sk_lookup *ctx)
{
	return counted(SK_PASS);
}

SEC("perf_event")
int tick(void *ctx)
{
	cookie = bpf_get_attach_cookie(ctx);
	return counted(0);
}

SEC("uprobe/libc.so.6:read")
int on_read(void *ctx)
{
	cookie = bpf_get_attach_cookie(ctx);
	return counted(0);
}

SEC("uretprobe/libc.so.6:read")
int after_read(void *ctx)
{
	return counted(0);
}

SEC("?uprobe.multi/libc.so.6:read")
int on_many(void *ctx)
{
	cookie = bpf_get_attach_cookie(ctx);
	return counted(0);
}

SEC("?kprobe/do_nanosleep+0x4")
int in_kernel(void *ctx)
{
	return counted(0);
}

SEC("?kretsyscall/nanosleep")
int after_syscall(void *ctx)
{
	return counted(0);
}

SEC("?kprobe.multi/vfs_*")
int in_many(void *ctx)
{
	return counted(0);
}

SEC("?tp/syscalls/sys_enter_nanosleep")
int traced(void *ctx)
{
	return counted(0);
}

SEC("?lsm_cgroup/socket_post_create")
int created(void *ctx)
{
	return counted(1);
}

SEC("?netkit/peer")
int device(struct __sk_buff *skb)
{
	return counted(-1);
}

SEC("?fentry/do_nanosleep")
int entered(void *ctx)
{
	return counted(0);
}

SEC("?iter/task")
int iterated(void *ctx)
{
	return counted(0);
}

SEC("?usdt/libc.so.6:provider:name")
int noted(void *ctx)
{
	return counted(0);
}

SEC("?syscall")
int called(void *ctx)
{
	return counted(0);
}

char _license[] SEC("license") = "GPL";
