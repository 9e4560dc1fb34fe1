// SPDX-License-Identifier: MIT
/* Members of chains that are special: the kernel keeps only a part of the name; the verifier refuses the access. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

SEC("xdp")
int member_whose_name_is_long(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int refused_by_the_verifier(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	return data[100];
}
