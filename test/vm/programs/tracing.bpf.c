// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* Programs on functions, tracepoints and security hooks. Those on events of processes look at one process alone. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* The process that is looked at. */
const volatile int wanted = 0;

long entered, argument, left, result;
long refused;

static __always_inline int is_wanted(void)
{
	return bpf_get_current_pid_tgid() >> 32 == wanted;
}

/* The kernel has functions just for tests: bpf_fentry_test1(a) is a + 1, and is called by a test run of these two. */
SEC("?fentry/bpf_fentry_test1")
int BPF_PROG(enter_test, int a)
{
	entered++;
	argument = a;
	return 0;
}

SEC("?fexit/bpf_fentry_test1")
int BPF_PROG(leave_test, int a, int ret)
{
	left++;
	argument = a;
	result = ret;
	return 0;
}

/* bpf_modify_return_test(a, int *b) adds one to *b and returns a + *b; here it is not run. */
SEC("?fmod_ret/bpf_modify_return_test")
int BPF_PROG(modify_test, int a, int *b, int ret)
{
	entered++;
	return 77;
}

SEC("?fentry/this_kernel_has_no_such_function")
int BPF_PROG(enter_nothing)
{
	return 0;
}

/* On functions of other programs; which ones is said when loading. */
SEC("?fentry/FUNCTION")
int BPF_PROG(enter_program, struct xdp_md *xdp)
{
	entered++;
	return 0;
}

SEC("?fexit/FUNCTION")
int BPF_PROG(leave_program, struct xdp_md *xdp, int ret)
{
	left++;
	result = ret;
	return 0;
}

SEC("?lsm/path_mkdir")
int BPF_PROG(refuse_directory, const void *dir, const void *dentry, unsigned short mode, int ret)
{
	if (ret || !is_wanted())
		return ret;
	refused++;
	return -1; /* EPERM */
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(typed_tracepoint, void *regs, long id)
{
	if (is_wanted() && id == 83) /* mkdir */
		entered++;
	return 0;
}

SEC("?raw_tp/sys_enter")
int raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_wanted() && ctx->args[1] == 83)
		entered++;
	return 0;
}

struct sys_enter_mkdir {
	long common;
	long number;
	const char *path;
	long mode;
};

SEC("?tp/syscalls/sys_enter_mkdir")
int classic_tracepoint(struct sys_enter_mkdir *ctx)
{
	if (!is_wanted())
		return 0;
	entered++;
	argument = ctx->mode;
	return 0;
}

SEC("?kprobe/do_mkdirat")
int kernel_entry(struct pt_regs *ctx)
{
	if (is_wanted()) {
		entered++;
		argument = PT_REGS_PARM3(ctx) & 0xffff; /* umode_t */
	}
	return 0;
}

SEC("?kretprobe/do_mkdirat")
int kernel_return(struct pt_regs *ctx)
{
	if (is_wanted()) {
		left++;
		result = (int)PT_REGS_RC(ctx);
	}
	return 0;
}

SEC("?kprobe.multi/do_mkdirat")
int kernel_entries(struct pt_regs *ctx)
{
	if (is_wanted())
		entered++;
	return 0;
}

SEC("?uprobe")
int user_entry(struct pt_regs *ctx)
{
	entered++;
	argument = PT_REGS_PARM2(ctx) & 0xffff;
	return 0;
}

SEC("?uretprobe")
int user_return(struct pt_regs *ctx)
{
	left++;
	result = (int)PT_REGS_RC(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
