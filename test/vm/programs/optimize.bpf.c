// SPDX-License-Identifier: MIT
/* Members of chains that the optimizer inlines, or must not; on kernels from 5.10. XDP_PASS goes on. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define __noinline __attribute__((noinline))
#define PACKET(bytes)                                                            \
	unsigned char *data = (void *)(long)ctx->data;                           \
	unsigned char *end = (void *)(long)ctx->data_end;                        \
	if (data + (bytes) > end)                                                \
	return XDP_PASS

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, unsigned long);
} runs SEC(".maps");

unsigned long seen, ways, frames, sums, moved;

SEC("xdp")
int opt_reads(struct xdp_md *ctx)
{
	PACKET(24);
	if (data[14] == 2)
		seen++;
	return data[14] == 3 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int opt_writes(struct xdp_md *ctx)
{
	PACKET(30);
	data[14] = (data[14] + 1) & 3;
	return XDP_PASS;
}

SEC("xdp")
int opt_chooses(struct xdp_md *ctx)
{
	PACKET(20);
	unsigned char kind = data[14];
	int more = 0;

	if (data[13] == 1) {
		if (kind != 2)
			return XDP_PASS;
		more = 1;
	}
	ways += kind == 2 ? 1 + more : 1000;
	return XDP_PASS;
}

SEC("xdp")
int opt_jumps(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &targets, 1);
	return XDP_PASS;
}

static __noinline int inner(unsigned char value)
{
	unsigned char filled[64];

	__builtin_memset(filled, value, sizeof(filled));
	asm volatile("" : : "r"(filled) : "memory");
	return filled[20] + filled[2];
}

SEC("xdp")
int opt_frame(struct xdp_md *ctx)
{
	unsigned char bytes[64] = {};
	unsigned char *chosen = ctx->rx_queue_index ? bytes : bytes + 32;
	int result;

	PACKET(20);
	asm volatile("" : "+r"(chosen));
	chosen[3] = data[13];
	result = inner(data[14]);
	frames += result + chosen[3];
	return chosen[3] == 3 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int opt_counter(struct xdp_md *ctx)
{
	int key = 0;
	unsigned long *count = bpf_map_lookup_elem(&runs, &key);

	if (!count)
		return XDP_PASS;
	__sync_fetch_and_add(count, 1);
	return (*count & 15) == 7 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int opt_loop(struct xdp_md *ctx)
{
	unsigned int sum = 0;

	PACKET(40);
#pragma clang loop unroll(disable)
	for (int i = 0; i < 30; i++)
		sum = sum * 3 + data[i];
	sums += sum;
	return (sum & 31) == 5 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int opt_moves(struct xdp_md *ctx)
{
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_DROP;
	PACKET(20);
	moved += data[12];
	data[14] = 3;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
