// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* Values that hang on cgroups (since Linux 6.2). */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct cgroup;

struct css_set {
	struct cgroup *dfl_cgrp;
} __attribute__((preserve_access_index));

struct task_struct {
	struct css_set *cgroups;
} __attribute__((preserve_access_index));

struct {
	__uint(type, 32); /* BPF_MAP_TYPE_CGRP_STORAGE, newer than the headers */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} groups SEC(".maps");

static void *(*cgrp_storage_get)(void *map, struct cgroup *cgroup, void *value, __u64 flags) = (void *)210;

SEC("tp_btf/sys_enter")
int BPF_PROG(count_group, void *regs, long id)
{
	struct task_struct *task;
	__u64 *value;

	if (id != 83) /* mkdir */
		return 0;
	task = (struct task_struct *)bpf_get_current_task_btf();
	value = cgrp_storage_get(&groups, task->cgroups->dfl_cgrp, 0, 0);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
