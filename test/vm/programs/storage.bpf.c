// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* Values that hang on tasks, files and sockets; sets that may be wrong in one way; records that user space sends. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct;
struct inode;

struct file {
	struct inode *f_inode;
} __attribute__((preserve_access_index));

#define STORAGE(name, kind)                                                                                            \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_##kind);                                                                     \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                                                  \
		__type(key, int);                                                                                      \
		__type(value, __u64);                                                                                  \
	} name SEC(".maps")

STORAGE(tasks, TASK_STORAGE);
STORAGE(inodes, INODE_STORAGE);
STORAGE(sockets, SK_STORAGE);

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, __u32);
	__uint(map_extra, 5); /* hash functions */
} known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} requests SEC(".maps");

const volatile int wanted = 0;
long hits, misses, drained, sum;

/* Only those that user space gave a value have one. */
SEC("?tp_btf/sys_enter")
int BPF_PROG(count_task, void *regs, long id)
{
	__u64 *value;

	if (id != 83) /* mkdir */
		return 0;
	value = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}

/* Every process that was seen gets one. */
SEC("?tp_btf/sys_enter")
int BPF_PROG(mark_task, void *regs, long id)
{
	__u64 *value;

	if (id != 83 || bpf_get_current_pid_tgid() >> 32 != wanted)
		return 0;
	value = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (value)
		*value += 5;
	return 0;
}

SEC("?lsm/file_open")
int BPF_PROG(count_file, struct file *file, int ret)
{
	__u64 *value = bpf_inode_storage_get(&inodes, file->f_inode, 0, 0);

	if (value)
		__sync_fetch_and_add(value, 1);
	return ret;
}

SEC("?cgroup/connect4")
int count_socket(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	__u64 *value;

	if (!sk)
		return 1;
	value = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 1;
}

/* The first four bytes of a packet. */
SEC("?xdp")
int look_up(struct xdp_md *ctx)
{
	__u32 *word = (void *)(long)ctx->data;
	__u32 value;

	if ((void *)(word + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	value = *word;
	if (bpf_map_peek_elem(&known, &value) == 0)
		hits++;
	else
		misses++;
	return XDP_PASS;
}

static long take(struct bpf_dynptr *request, void *context)
{
	__u32 *value = bpf_dynptr_data(request, 0, sizeof(*value));

	if (!value)
		return 1;
	drained++;
	sum += *value;
	return 0;
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(drain, void *regs, long id)
{
	if (id == 83 && bpf_get_current_pid_tgid() >> 32 == wanted)
		bpf_user_ringbuf_drain(&requests, take, 0, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
