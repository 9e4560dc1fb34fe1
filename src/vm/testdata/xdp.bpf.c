// SPDX-License-Identifier: MIT
// CFLAGS: -mcpu=v4
/*
 * Carries out commands of 8 bytes that a packet holds behind its Ethernet header, on that packet. The verdict is a
 * hash of all results.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct command {
	__u8 operation;
	__u8 small;
	__s16 number;
	__u32 word;
};

#define COMMANDS 6

static __always_inline __u32 mix(__u32 hash, __u32 value)
{
	return (hash ^ value) * 0x01000193;
}

static __noinline __u32 bounds(struct xdp_md *ctx, __u32 hash)
{
	void *data = (void *)(long)ctx->data;

	hash = mix(hash, (void *)(long)ctx->data_end - data);
	return mix(hash, data - (void *)(long)ctx->data_meta);
}

static __noinline __u32 direct(struct xdp_md *ctx, __u32 offset, __u32 word, int write)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u8 *at;

	offset &= 0xfff;
	at = data + offset;
	if ((void *)(at + 4) > end)
		return 0x55aa;
	if (write)
		*(__u32 *)at = word;
	return *(__u32 *)at ^ *(__u16 *)at ^ *at;
}

static __noinline __u32 meta(struct xdp_md *ctx, __u32 word)
{
	__u32 *at = (void *)(long)ctx->data_meta;
	__u32 old;

	if ((void *)(at + 1) > (void *)(long)ctx->data)
		return 0x1234;
	old = *at;
	*at = word;
	return old;
}

static __noinline __u32 carry_out(struct xdp_md *ctx, struct command *command)
{
	__u8 bytes[8] = {};
	__u32 length = (command->small & 7) + 1;
	__u32 hash;

	switch (command->operation % 9) {
	case 0:
		return bpf_xdp_adjust_head(ctx, command->number % 300);
	case 1:
		return bpf_xdp_adjust_tail(ctx, command->number % 4000);
	case 2:
		return bpf_xdp_adjust_meta(ctx, command->number % 64);
	case 3:
		hash = bpf_xdp_load_bytes(ctx, command->word % 400, bytes, length);
		for (int i = 0; i < 8; i++)
			hash = mix(hash, bytes[i]);
		return hash;
	case 4:
		__builtin_memcpy(bytes, command, 8);
		return bpf_xdp_store_bytes(ctx, command->word % 400, bytes, length);
	case 5:
		return bpf_xdp_get_buff_len(ctx);
	case 6:
		return direct(ctx, command->number & 0x1ff, command->word, command->small & 1);
	case 7:
		return meta(ctx, command->word);
	default:
		return bpf_xdp_load_bytes(ctx, command->word, bytes, length);
	}
}

SEC("xdp")
int commands(struct xdp_md *ctx)
{
	struct command list[COMMANDS];
	__u32 hash = 0x811c9dc5;

	if (bpf_xdp_load_bytes(ctx, 14, list, sizeof(list)))
		return XDP_PASS;
	for (int i = 0; i < COMMANDS; i++) {
		hash = mix(hash, carry_out(ctx, &list[i]));
		hash = bounds(ctx, hash);
	}
	hash = mix(hash, ctx->ingress_ifindex);
	hash = mix(hash, ctx->rx_queue_index);
	return hash;
}

char _license[] SEC("license") = "Dual MIT/GPL";
