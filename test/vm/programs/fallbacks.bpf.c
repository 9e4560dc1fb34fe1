// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* Programs that ask what the kernel has, and do without. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Helpers of the kernel, with names of its own numbers; the first since Linux 6.2, the last one never. */
enum bpf_func_id___newer {
	BPF_FUNC_cgrp_storage_get = 210,
	BPF_FUNC_of_the_future = 4711,
};

struct task_struct___newer {
	int pid;
	int of_the_future;
} __attribute__((preserve_access_index));

enum ticket {
	SMALL = 1,
	LARGE = 0x7ffffffffffffff1,
};

extern int bpf_dynptr_size(const struct bpf_dynptr *ptr) __ksym __weak; /* since Linux 6.5 */
extern void bpf_of_the_future(void) __ksym __weak;

const volatile int wanted = 0;
long has_helper, has_future_helper, has_field, has_future_field, has_function, has_future_function;
long seen, argument;
enum ticket ticket = LARGE;

static long (*of_the_future)(void) = (void *)4711;

SEC("?xdp")
int a_program_with_a_very_long_name(struct xdp_md *ctx)
{
	has_helper = bpf_core_enum_value_exists(enum bpf_func_id___newer, BPF_FUNC_cgrp_storage_get);
	if (bpf_core_enum_value_exists(enum bpf_func_id___newer, BPF_FUNC_of_the_future))
		has_future_helper = of_the_future();
	has_field = bpf_core_field_exists(struct task_struct___newer, pid);
	has_future_field = bpf_core_field_exists(struct task_struct___newer, of_the_future);
	if (has_future_field) {
		struct task_struct___newer *task = (void *)bpf_get_current_task();

		has_future_field = BPF_CORE_READ(task, of_the_future);
	}
	has_function = !!(const void *)bpf_dynptr_size;
	has_future_function = !!(const void *)bpf_of_the_future;
	if (bpf_of_the_future)
		bpf_of_the_future();
	if (ticket != LARGE)
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
