// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* Programs that look on and may sleep, know their cookie, or answer for the kernel. They look at one process alone. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

const volatile int wanted = 0;
/* Memory of that process. */
const volatile __u64 place = 0;

long ran;
long result = 1;
__u64 cookie, copied;

static __always_inline int is_wanted(void)
{
	return bpf_get_current_pid_tgid() >> 32 == wanted;
}

/* Waits for memory, which only programs that may sleep can. */
static __always_inline void copy(void)
{
	if (!is_wanted())
		return;
	ran++;
	result = bpf_copy_from_user(&copied, sizeof(copied), (void *)place);
}

static __always_inline void note(void *ctx)
{
	if (!is_wanted())
		return;
	ran++;
	cookie = bpf_get_attach_cookie(ctx);
}

SEC("?lsm.s/file_open")
int BPF_PROG(sleep_security, void *file, int ret)
{
	copy();
	return ret;
}

SEC("?fentry.s/bpf_fentry_test1")
int BPF_PROG(sleep_entry, int a)
{
	copy();
	return 0;
}

SEC("?fexit.s/bpf_fentry_test1")
int BPF_PROG(sleep_exit, int a, int ret)
{
	copy();
	return 0;
}

SEC("?fmod_ret.s/bpf_fentry_test1")
int BPF_PROG(sleep_modify, int a, int ret)
{
	copy();
	return 0;
}

SEC("?uprobe.s/libc.so.6:mkdir")
int sleep_user(struct pt_regs *ctx)
{
	copy();
	return 0;
}

SEC("?uretprobe.s/libc.so.6:mkdir")
int sleep_user_return(struct pt_regs *ctx)
{
	copy();
	return 0;
}

SEC("?uprobe.multi.s/libc.so.6:mkdir")
int sleep_users(struct pt_regs *ctx)
{
	copy();
	return 0;
}

SEC("?fentry/do_mkdirat")
int BPF_PROG(cookie_entry)
{
	note(ctx);
	return 0;
}

SEC("?lsm/path_mkdir")
int BPF_PROG(cookie_security, const void *dir, const void *dentry, unsigned short mode, int ret)
{
	note(ctx);
	return ret;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(cookie_typed, void *task)
{
	ran++;
	cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("?raw_tp/sched_process_exit")
int cookie_raw(struct bpf_raw_tracepoint_args *ctx)
{
	ran++;
	cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("?tp/syscalls/sys_enter_mkdir")
int cookie_classic(void *ctx)
{
	note(ctx);
	return 0;
}

SEC("?kprobe/do_mkdirat")
int cookie_probe(struct pt_regs *ctx)
{
	note(ctx);
	return 0;
}

SEC("?kretprobe/do_mkdirat")
int cookie_return(struct pt_regs *ctx)
{
	note(ctx);
	return 0;
}

SEC("?kprobe.multi/do_mkdirat")
int cookie_probes(struct pt_regs *ctx)
{
	note(ctx);
	return 0;
}

SEC("?kretprobe.multi/do_mkdirat")
int cookie_returns(struct pt_regs *ctx)
{
	note(ctx);
	return 0;
}

SEC("?uprobe/libc.so.6:mkdir")
int cookie_user(struct pt_regs *ctx)
{
	note(ctx);
	return 0;
}

SEC("?uretprobe.multi/libc.so.6:mkdir")
int cookie_users(struct pt_regs *ctx)
{
	note(ctx);
	return 0;
}

struct writable_args {
	__u64 args[1];
};

/* The kernel asks programs what a test run ends with. */
SEC("?raw_tp.w/bpf_test_finish")
int change_result(struct writable_args *ctx)
{
	if (!is_wanted())
		return 0;
	ran++;
	*(int *)ctx->args[0] = -33; /* EDOM */
	return 0;
}

/* What a caller gives, and gets back. */
struct question {
	__u32 a, b;
	__u64 sum;
};

SEC("?syscall")
int add(struct question *question)
{
	question->sum = (__u64)question->a + question->b;
	ran++;
	return 7;
}

SEC("?xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
