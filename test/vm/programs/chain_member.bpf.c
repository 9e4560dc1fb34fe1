// SPDX-License-Identifier: MIT
/*
 * A member of a chain that does as the packet says (test/vm/guest/chain-members.ts). The numbers 0x5a5a00xx and the name are
 * replaced in copies of this object: a file for each member, with a number, a priority and verdicts of its own.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Offsets in the packet: the verdict of each member by its number, how many have run, their numbers in order. */
#define VERDICTS 14
#define COUNT 30
#define RAN 31
#define MEMBERS 16
#define SIZE 64

char _license[] SEC("license") = "GPL";

/* libxdp reads the run configuration out of the types: the length of each array is a value. */
struct {
	__uint(priority, 0x5a5a0010);
	__uint(XDP_ABORTED, 0x5a5a0000);
	__uint(XDP_DROP, 0x5a5a0001);
	__uint(XDP_PASS, 0x5a5a0002);
	__uint(XDP_TX, 0x5a5a0003);
	__uint(XDP_REDIRECT, 0x5a5a0004);
} _member_000000 SEC(".xdp_run_config");

const volatile __u32 member = 0x5a5a0020;

SEC("xdp")
int member_000000(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	unsigned char *end = (void *)(long)ctx->data_end;
	__u32 own = member & (MEMBERS - 1);
	unsigned char *place;

	if (data + SIZE > end)
		return XDP_PASS;
	place = data + RAN + (data[COUNT] & (MEMBERS - 1));
	if (place + 1 > end)
		return XDP_PASS;
	*place = own;
	data[COUNT]++;
	return data[VERDICTS + own];
}
