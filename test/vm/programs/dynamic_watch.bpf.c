// SPDX-License-Identifier: MIT
/* Counts what a function of another object answers: version 1, version 2, and anything else. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int judge(struct xdp_md *ctx) __attribute__((btf_decl_tag("rootlet:default=77")));

__u64 answers[3];

SEC("xdp")
int watch(struct xdp_md *ctx)
{
	int answer = judge(ctx);

	if (answer == 1)
		__sync_fetch_and_add(&answers[0], 1);
	else if (answer == 2)
		__sync_fetch_and_add(&answers[1], 1);
	else
		__sync_fetch_and_add(&answers[2], 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
