// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* A global function that takes the context of whatever program calls it: kernels before 6.8 go by the type alone. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define __context __attribute__((btf_decl_tag("arg:ctx")))

const volatile int wanted = 0;
long seen;
__u64 cookie;

__attribute__((noinline)) int look(void *ctx __context, int add)
{
	if (bpf_get_current_pid_tgid() >> 32 != wanted)
		return 0;
	seen += add;
	cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("?kprobe/do_mkdirat")
int by_probe(struct pt_regs *ctx)
{
	return look(ctx, 1);
}

SEC("?tp/syscalls/sys_enter_mkdir")
int by_tracepoint(void *ctx)
{
	return look(ctx, 10);
}

SEC("?perf_event")
int by_clock(void *ctx)
{
	return look(ctx, 100);
}

char _license[] SEC("license") = "GPL";
