// SPDX-License-Identifier: MIT
/*
 * Carries out commands on maps that a packet holds, and writes the results back into it, so that random packets
 * exercise every map and the machine can be compared with the kernel.
 *
 * The packet is an Ethernet header and then commands of 32 bytes.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct command {
	__u8 map;
	__u8 operation;
	__u8 flags;
	__u8 pad;
	__u32 result;
	__u8 key[8];
	__u8 value[16];
};

struct value {
	__u64 low;
	__u64 high;
};

#define MAP(name, kind, entries, key_type, value_type, more_flags) \
	struct { \
		__uint(type, kind); \
		__uint(max_entries, entries); \
		__uint(map_flags, more_flags); \
		__type(key, key_type); \
		__type(value, value_type); \
	} name SEC(".maps")

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct odd_key {
	__u8 bytes[7];
};

struct small {
	__u8 bytes[3];
};

MAP(array_map, BPF_MAP_TYPE_ARRAY, 5, __u32, struct value, 0);
MAP(percpu_array_map, BPF_MAP_TYPE_PERCPU_ARRAY, 3, __u32, struct value, 0);
MAP(hash_map, BPF_MAP_TYPE_HASH, 6, __u64, struct value, 0);
MAP(odd_map, BPF_MAP_TYPE_HASH, 4, struct odd_key, struct small, BPF_F_NO_PREALLOC);
MAP(percpu_hash_map, BPF_MAP_TYPE_PERCPU_HASH, 4, __u32, struct value, 0);
MAP(lpm_map, BPF_MAP_TYPE_LPM_TRIE, 6, struct prefix, struct value, BPF_F_NO_PREALLOC);
MAP(lru_map, BPF_MAP_TYPE_LRU_HASH, 8, __u32, struct value, 0);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 3);
	__type(value, struct value);
} queue_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 3);
	__type(value, struct value);
} stack_map SEC(".maps");

/* Operations from 4 on are for queues. */
enum { LOOKUP, UPDATE, DELETE, ADD, PUSH, POP, PEEK, OPERATIONS };

#define ON_MAP(name, key_of) \
	static __noinline int on_##name(struct command *command) \
	{ \
		struct value *found; \
		__typeof__(key_of) key = key_of; \
\
		switch (command->operation % 4) { \
		case LOOKUP: \
			found = bpf_map_lookup_elem(&name, &key); \
			if (!found) \
				return 1000; \
			__builtin_memcpy(command->value, found, sizeof(command->value)); \
			return 0; \
		case UPDATE: \
			return bpf_map_update_elem(&name, &key, command->value, command->flags); \
		case DELETE: \
			return bpf_map_delete_elem(&name, &key); \
		default: \
			found = bpf_map_lookup_elem(&name, &key); \
			if (!found) \
				return 1000; \
			__sync_fetch_and_add(&found->low, command->value[0]); \
			found->high ^= command->value[8]; \
			return 0; \
		} \
	}

/* Few different keys, so that commands meet. */
ON_MAP(array_map, (__u32)(command->key[0] & 7))
ON_MAP(percpu_array_map, (__u32)(command->key[0] & 3))
ON_MAP(hash_map, (__u64)(command->key[0] & 7) | (__u64)(command->key[1] & 1) << 40)
ON_MAP(percpu_hash_map, (__u32)(command->key[0] & 7))
ON_MAP(lru_map, (__u32)(command->key[0] & 3)) /* fewer than it holds: what it evicts is its own affair */

static __noinline int on_lpm_map(struct command *command)
{
	struct prefix key = {};
	struct value *found;

	/* Prefix lengths up to 35, which is too long. */
	key.length = command->key[4] % 36;
	key.address[0] = command->key[0] & 3;
	key.address[1] = command->key[1] & 0xc0;
	key.address[3] = command->key[3] & 0x81;
	switch (command->operation % 3) {
	case LOOKUP:
		found = bpf_map_lookup_elem(&lpm_map, &key);
		if (!found)
			return 1000;
		__builtin_memcpy(command->value, found, sizeof(command->value));
		return 0;
	case UPDATE:
		return bpf_map_update_elem(&lpm_map, &key, command->value, command->flags);
	default:
		return bpf_map_delete_elem(&lpm_map, &key);
	}
}

static __noinline int on_odd_map(struct command *command)
{
	struct odd_key key = {};
	struct small *found;

	key.bytes[0] = command->key[0] & 3;
	key.bytes[6] = command->key[6] & 1;
	switch (command->operation % 3) {
	case LOOKUP:
		found = bpf_map_lookup_elem(&odd_map, &key);
		if (!found)
			return 1000;
		command->value[0] = found->bytes[0];
		command->value[1] = found->bytes[1];
		command->value[2] = found->bytes[2];
		return 0;
	case UPDATE:
		return bpf_map_update_elem(&odd_map, &key, command->value, command->flags);
	default:
		return bpf_map_delete_elem(&odd_map, &key);
	}
}

#define ON_QUEUE(name) \
	static __noinline int on_##name(struct command *command) \
	{ \
		struct value value = {}; \
		int result; \
\
		switch (command->operation % 3) { \
		case 0: \
			return bpf_map_push_elem(&name, command->value, command->flags); \
		case 1: \
			result = bpf_map_pop_elem(&name, &value); \
			break; \
		default: \
			result = bpf_map_peek_elem(&name, &value); \
		} \
		__builtin_memcpy(command->value, &value, sizeof(value)); \
		return result; \
	}

ON_QUEUE(queue_map)
ON_QUEUE(stack_map)

static __noinline int carry_out(struct command *command)
{
	switch (command->map % 9) {
	case 0:
		return on_array_map(command);
	case 1:
		return on_percpu_array_map(command);
	case 2:
		return on_hash_map(command);
	case 3:
		return on_odd_map(command);
	case 4:
		return on_percpu_hash_map(command);
	case 5:
		return on_lpm_map(command);
	case 6:
		return on_lru_map(command);
	case 7:
		return on_queue_map(command);
	default:
		return on_stack_map(command);
	}
}

#define COMMANDS 8

SEC("xdp")
int commands(struct xdp_md *ctx)
{
	struct command command;
	__u32 at = 14;
	int i;

	for (i = 0; i < COMMANDS; i++) {
		if (bpf_xdp_load_bytes(ctx, at, &command, sizeof(command)))
			return i;
		command.result = carry_out(&command);
		if (bpf_xdp_store_bytes(ctx, at, &command, sizeof(command)))
			return XDP_ABORTED;
		at += sizeof(command);
	}
	return i;
}

char _license[] SEC("license") = "Dual MIT/GPL";
