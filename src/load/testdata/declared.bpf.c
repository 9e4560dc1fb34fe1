// SPDX-License-Identifier: GPL-2.0
/* Externs that the kernel has in another form, and a variable where no loader makes a map. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_iter_num;

extern int bpf_dynptr_size(void *memory) __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int runqueues __ksym;

SEC("xdp")
int declared(struct xdp_md *ctx)
{
	int *queue = bpf_this_cpu_ptr(&runqueues);

	bpf_iter_num_new((void *)ctx, 0, 3);
	return bpf_dynptr_size(ctx) + *queue;
}

int elsewhere SEC("mydata") = 4;

SEC("xdp")
int data(struct xdp_md *ctx)
{
	return elsewhere;
}

char LICENSE[] SEC("license") = "GPL";
