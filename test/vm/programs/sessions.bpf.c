// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* Programs that come twice for a call, and on system calls by their name. They look at one process alone. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Registers by the kernel's names, as objects have them that were made with its types. */
#define __VMLINUX_H__
struct pt_regs {
	unsigned long cx, dx, si, di, ax, r8, r9, r10, sp, bp, ip;
} __attribute__((preserve_access_index));
#include <bpf/bpf_tracing.h>

const volatile int wanted = 0;

long ran, argument, returned;
long result = 1;

extern _Bool bpf_session_is_return(void) __ksym __weak;
/* A word between entry and return. */
extern long *bpf_session_cookie(void) __ksym __weak;

static __always_inline int is_wanted(void)
{
	return bpf_get_current_pid_tgid() >> 32 == wanted;
}

/* Comes at entry, and at return because it says 0; with a word of its own in between. */
SEC("?kprobe.session/do_mkdirat")
int session(struct pt_regs *ctx)
{
	long *own;

	if (!is_wanted() || !bpf_session_cookie || !bpf_session_is_return)
		return 1;
	own = bpf_session_cookie();
	if (bpf_session_is_return()) {
		returned++;
		argument = *own;
		return 0;
	}
	ran++;
	*own = PT_REGS_PARM3(ctx) & 0xffff;
	return 0;
}

/* At entry only: it does not want to come again. */
SEC("?kprobe.session/do_mkdirat")
int session_entry(struct pt_regs *ctx)
{
	if (!is_wanted() || !bpf_session_is_return)
		return 1;
	if (bpf_session_is_return())
		returned++;
	else
		ran++;
	return 1;
}

SEC("?ksyscall/mkdir")
int BPF_KSYSCALL(enter_syscall, const char *path, int mode)
{
	if (!is_wanted())
		return 0;
	ran++;
	argument = mode & 0xffff;
	return 0;
}

SEC("?kretsyscall/mkdir")
int leave_syscall(struct pt_regs *ctx)
{
	if (!is_wanted())
		return 0;
	returned++;
	result = (int)PT_REGS_RC(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";
