// SPDX-License-Identifier: MIT
/* More mistakes that the verifier finds, each in a program of its own; none of them is loaded unless asked for. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, long);
} counts SEC(".maps");

struct guarded {
	struct bpf_spin_lock lock;
	int number;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct guarded);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, int);
} jumps SEC(".maps");

const volatile int fixed = 3;

SEC("?xdp")
int writes_constant(struct xdp_md *ctx)
{
	*(volatile int *)&fixed = 4;
	return XDP_PASS;
}

SEC("?xdp")
int keeps_lock(struct xdp_md *ctx)
{
	int key = 0;
	struct guarded *value = bpf_map_lookup_elem(&locks, &key);

	if (!value)
		return XDP_PASS;
	bpf_spin_lock(&value->lock);
	value->number++;
	return XDP_PASS;
}

SEC("?xdp")
int helper_under_lock(struct xdp_md *ctx)
{
	int key = 0;
	struct guarded *value = bpf_map_lookup_elem(&locks, &key);

	if (!value)
		return XDP_PASS;
	bpf_spin_lock(&value->lock);
	value->number = bpf_ktime_get_ns();
	bpf_spin_unlock(&value->lock);
	return XDP_PASS;
}

SEC("?xdp")
int locks_twice(struct xdp_md *ctx)
{
	int key = 0;
	struct guarded *value = bpf_map_lookup_elem(&locks, &key);

	if (!value)
		return XDP_PASS;
	bpf_spin_lock(&value->lock);
	bpf_spin_lock(&value->lock);
	bpf_spin_unlock(&value->lock);
	return XDP_PASS;
}

SEC("?xdp")
int wrong_argument(struct xdp_md *ctx)
{
	return bpf_map_lookup_elem(ctx, ctx) != 0;
}

SEC("?xdp")
int below_stack(struct xdp_md *ctx)
{
	char byte;

	asm volatile("*(u8 *)(r10 - 600) = 1; %0 = 0" : "=r"(byte) : : "memory");
	return byte;
}

SEC("?xdp")
int length_unbounded(struct xdp_md *ctx)
{
	char text[16] = {};

	return bpf_map_update_elem(&counts, text, text, 0) + bpf_xdp_load_bytes(ctx, 0, text, ctx->rx_queue_index);
}

__noinline int even(int number);

__noinline int odd(int number)
{
	asm volatile("" : "+r"(number));
	return number ? even(number - 1) : 0;
}

__noinline int even(int number)
{
	asm volatile("" : "+r"(number));
	return number ? odd(number - 1) : 1;
}

SEC("?xdp")
int recursion(struct xdp_md *ctx)
{
	return odd(ctx->ingress_ifindex);
}

static __noinline int inner(unsigned char *data)
{
	asm volatile("" : "+r"(data));
	return data[3];
}

static __noinline int outer(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	asm volatile("" : "+r"(data));
	return inner(data) + 1;
}

SEC("?xdp")
int in_nested_call(struct xdp_md *ctx)
{
	return outer(ctx) + 1;
}

static long locking_round(unsigned int round, struct guarded **value)
{
	bpf_spin_lock(&(*value)->lock);
	return 0;
}

SEC("?xdp")
int lock_in_callback(struct xdp_md *ctx)
{
	int key = 0;
	struct guarded *value = bpf_map_lookup_elem(&locks, &key);

	if (value)
		bpf_loop(10, locking_round, &value, 0);
	return XDP_PASS;
}

static long callback_verdict(unsigned int round, void *data)
{
	return 5;
}

SEC("?xdp")
int odd_callback(struct xdp_md *ctx)
{
	bpf_loop(10, callback_verdict, 0, 0);
	return XDP_PASS;
}

/* Two global functions below each other, the lower one with the mistake. */
__noinline int lower(long *number)
{
	asm volatile("" : "+r"(number));
	return *number;
}

__noinline int upper(int round)
{
	long number = round;

	return lower(&number) + 1;
}

SEC("?xdp")
int in_lower_global(struct xdp_md *ctx)
{
	return upper(ctx->rx_queue_index) + 1;
}

__noinline int takes_text(const char *text, struct xdp_md *ctx)
{
	return text ? text[0] + ctx->ingress_ifindex : 0;
}

SEC("?xdp")
int context_for_number(struct xdp_md *ctx)
{
	char text[4] = {};

	return takes_text(text, (void *)text);
}

SEC("?xdp")
int pointer_multiplied(struct xdp_md *ctx)
{
	register struct xdp_md *p asm("r1") = ctx;

	asm volatile("%0 *= 3" : "+r"(p));
	return p->data;
}

SEC("?xdp")
int wide_context(struct xdp_md *ctx)
{
	return *(volatile __u64 *)((char *)ctx + 4);
}

SEC("?xdp")
int record_used_late(struct xdp_md *ctx)
{
	int *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record)
		return XDP_PASS;
	bpf_ringbuf_submit(record, 0);
	*(volatile int *)record = 1;
	return XDP_PASS;
}

SEC("?xdp")
int record_too_far(struct xdp_md *ctx)
{
	char *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (!record)
		return XDP_PASS;
	record[9] = 1;
	bpf_ringbuf_submit(record, 0);
	return XDP_PASS;
}

SEC("?xdp")
int dynptr_unset(struct xdp_md *ctx)
{
	struct bpf_dynptr view;

	return bpf_dynptr_data(&view, 0, 4) != 0;
}

SEC("?xdp")
int dynptr_kept(struct xdp_md *ctx)
{
	struct bpf_dynptr view;

	bpf_ringbuf_reserve_dynptr(&records, 16, 0, &view);
	return XDP_PASS;
}

SEC("?xdp")
int sleeps(struct xdp_md *ctx)
{
	char text[8];

	bpf_copy_from_user(text, sizeof(text), (void *)16);
	return text[0];
}

static __noinline int jumping(struct xdp_md *ctx)
{
	struct guarded *value;
	int key = 0;

	value = bpf_map_lookup_elem(&locks, &key);
	if (!value)
		return 0;
	bpf_spin_lock(&value->lock);
	bpf_tail_call(ctx, &jumps, 0);
	return 1;
}

SEC("?xdp")
int jumps_with_lock(struct xdp_md *ctx)
{
	return jumping(ctx) + 1;
}

SEC("?xdp")
int no_verdict(struct xdp_md *ctx)
{
	asm volatile("exit");
	__builtin_unreachable();
}

SEC("?xdp")
int division(struct xdp_md *ctx)
{
	register int value asm("r0");

	asm volatile("r0 = 4; r0 /= 0" : "=r"(value));
	return value;
}

SEC("?xdp")
int packet_after_change(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	if (data + 4 > (unsigned char *)(long)ctx->data_end)
		return XDP_PASS;
	bpf_xdp_adjust_head(ctx, 4);
	return data[0];
}

SEC("?xdp")
int wrong_map_type(struct xdp_md *ctx)
{
	int number = 1;

	return bpf_ringbuf_output(&counts, &number, sizeof(number), 0);
}

/* What BTF types of a global function do not express: pointers into the packet. */
__noinline int parse_packet(struct xdp_md *ctx, unsigned char *data, unsigned char *end)
{
	return data + 14 > end ? 0 : data[0];
}

SEC("?xdp")
int packet_argument(struct xdp_md *ctx)
{
	return parse_packet(ctx, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

SEC("?xdp")
int null_arithmetic(struct xdp_md *ctx)
{
	int key = 1;
	char *value = bpf_map_lookup_elem(&counts, &key);

	return value[ctx->rx_queue_index & 3];
}

/* Fills an array on the stack that the compiler cannot take apart. */
#define FILLED(room, size)                       \
	char room[size];                         \
	__builtin_memset(room, 1, sizeof(room)); \
	asm volatile("" : : "r"(room) : "memory")

__noinline int jumps_below(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 0);
	return 1;
}

SEC("?xdp")
int stack_above_jump(struct xdp_md *ctx)
{
	FILLED(room, 304);
	return jumps_below(ctx) + room[0];
}

static __noinline int third_frame(int number)
{
	FILLED(room, 208);
	return room[number & 63];
}

static __noinline int second_frame(int number)
{
	FILLED(room, 176);
	return third_frame(number) + room[number & 63];
}

SEC("?xdp")
int three_frames(struct xdp_md *ctx)
{
	FILLED(room, 208);
	return second_frame(ctx->rx_queue_index) + room[0];
}

extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym __weak;

SEC("?xdp")
int device_kfunc(struct xdp_md *ctx)
{
	__u64 timestamp = 0;

	if (bpf_xdp_metadata_rx_timestamp)
		bpf_xdp_metadata_rx_timestamp(ctx, &timestamp);
	return timestamp;
}

SEC("?xdp")
int end_moved(struct xdp_md *ctx)
{
	unsigned char *end = (void *)(long)ctx->data_end;

	return end[-1];
}

SEC("?xdp")
int length_past_variable(struct xdp_md *ctx)
{
	char text[16] = {};

	return bpf_xdp_load_bytes(ctx, 0, text, 32) + text[0];
}

SEC("?xdp")
int signed_offset(struct xdp_md *ctx)
{
	int key = 1, offset = ctx->rx_queue_index;
	char *value = bpf_map_lookup_elem(&counts, &key);

	if (!value || offset > 7)
		return XDP_PASS;
	return value[offset];
}

char _license[] SEC("license") = "GPL";
