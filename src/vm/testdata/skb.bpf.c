// SPDX-License-Identifier: MIT
// CFLAGS: -mcpu=v4
/*
 * Carries out commands of 12 bytes that a packet holds behind its Ethernet and IP headers, on that packet. The verdict
 * is a hash of all results, and of the fields of the context after each of them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct command {
	__u8 operation;
	__u8 small;
	__s16 number;
	__u32 word;
	__u32 other;
};

#define COMMANDS 6
#define START 54

/* What went into the hash, to find out what differs. */
__u32 values[128];
__u32 count;

static __always_inline __u32 mix(__u32 hash, __u32 value)
{
	values[count & 127] = value;
	count++;
	return (hash ^ value) * 0x01000193;
}

/* Apart, because the compiler would keep halves of pointers, which the verifier does not like. */
static __noinline __u32 direct_length(struct __sk_buff *skb)
{
	return (void *)(long)skb->data_end - (void *)(long)skb->data;
}

static __noinline __u32 meta_length(struct __sk_buff *skb)
{
	return (void *)(long)skb->data - (void *)(long)skb->data_meta;
}

static __noinline __u32 fields(struct __sk_buff *skb, __u32 hash)
{
	hash = mix(hash, skb->len);
	hash = mix(hash, skb->pkt_type);
	hash = mix(hash, skb->protocol);
	hash = mix(hash, skb->vlan_present);
	hash = mix(hash, skb->vlan_tci);
	hash = mix(hash, skb->vlan_proto);
	hash = mix(hash, direct_length(skb));
	return mix(hash, meta_length(skb));
}

static __noinline __u32 direct(struct __sk_buff *skb, __u32 offset, __u32 word, int write)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	__u8 *at;

	offset &= 0xfff;
	at = data + offset;
	if ((void *)(at + 4) > end)
		return 0x55aa;
	if (write)
		*(__u32 *)at = word;
	return *(__u32 *)at ^ *(__u16 *)at ^ *at;
}

static __noinline __u32 shape(struct __sk_buff *skb, struct command *command)
{
	static const __u64 room_flags[8] = {
		0,
		BPF_F_ADJ_ROOM_ENCAP_L3_IPV4,
		BPF_F_ADJ_ROOM_ENCAP_L3_IPV6,
		BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
		BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_ENCAP_L4_GRE,
		BPF_F_ADJ_ROOM_FIXED_GSO,
		BPF_F_ADJ_ROOM_NO_CSUM_RESET,
		1 << 12,
	};

	switch (command->operation % 8) {
	case 0:
		return bpf_skb_change_tail(skb, command->word % 400, command->small % 16 == 0);
	case 1:
		return bpf_skb_change_head(skb, command->word % 80, command->small % 16 == 0);
	case 2:
		return bpf_skb_change_proto(skb, command->small & 1 ? bpf_htons(0x86dd) : bpf_htons(0x0800), 0);
	case 3:
		return bpf_skb_change_type(skb, command->small % 6);
	case 4:
		return bpf_skb_vlan_push(skb, command->small & 1 ? bpf_htons(0x88a8) : bpf_htons(0x8100), command->word);
	case 5:
		return bpf_skb_vlan_pop(skb);
	case 6:
		/* With headers that reach behind the packet's end the kernel copies bytes that nobody has written. */
		if (skb->len < 180)
			return 7;
		return bpf_skb_adjust_room(skb, command->number % 100, command->small % 3, room_flags[command->word & 7]);
	default:
		return bpf_skb_pull_data(skb, command->word % 400);
	}
}

static __noinline __u32 content(struct __sk_buff *skb, struct command *command)
{
	__u8 bytes[16] = {};
	__u32 length = (command->small & 7) + 1;
	__u32 hash = 0;

	switch (command->operation % 9) {
	case 0:
		hash = bpf_skb_load_bytes(skb, command->word % 400, bytes, length);
		break;
	case 1:
		hash = bpf_skb_load_bytes_relative(skb, command->word % 100, bytes, length, command->other % 3);
		break;
	case 2:
		__builtin_memcpy(bytes, command, 12);
		return bpf_skb_store_bytes(skb, command->word % 400, bytes, length, command->other % 5);
	case 3:
		return bpf_l3_csum_replace(skb, command->word % 80, command->other & 0xffff, command->number & 0xffff,
					   command->small % 6);
	case 4:
		return bpf_l4_csum_replace(skb, command->word % 80, command->small & 0x80 ? 0 : command->other,
					   (__u32)command->number * 0x9e3779b1u, command->small & 0x76);
	case 5:
		__builtin_memcpy(bytes, command, 12);
		return bpf_csum_diff((void *)bytes, (command->small & 2) * 4, (void *)bytes + 4,
				     (command->small >> 2) & 12, command->other);
	case 6:
		return direct(skb, command->number & 0x1ff, command->word, command->small & 1);
	case 7:
		return bpf_skb_load_bytes(skb, command->word, bytes, length);
	default:
		skb->mark = command->word;
		skb->priority = command->other;
		skb->cb[1] = command->word;
		skb->cb[4] = command->other;
		return skb->cb[1] + skb->mark;
	}
	for (int i = 0; i < 8; i++)
		hash = mix(hash, bytes[i]);
	return hash;
}

static __always_inline int run(struct __sk_buff *skb, int start)
{
	struct command list[COMMANDS];
	__u32 hash;

	count = 0;
	hash = fields(skb, 0x811c9dc5);

	if (bpf_skb_load_bytes(skb, start, list, sizeof(list)))
		return hash;
	for (int i = 0; i < COMMANDS; i++) {
		if (list[i].operation & 0x80)
			hash = mix(hash, content(skb, &list[i]));
		else
			hash = mix(hash, shape(skb, &list[i]));
		hash = fields(skb, hash);
	}
	return hash;
}

SEC("tc")
int commands(struct __sk_buff *skb)
{
	return run(skb, START);
}

/* What a program sees of a packet that nobody has described. */
SEC("tc")
int context(struct __sk_buff *skb)
{
	__u32 *out;

	if (bpf_skb_change_tail(skb, 256, 0))
		return 1;
	out = (void *)(long)skb->data;
	if ((void *)(out + 32) > (void *)(long)skb->data_end)
		return 2;
	out[0] = skb->len;
	out[1] = skb->pkt_type;
	out[2] = skb->mark;
	out[3] = skb->queue_mapping;
	out[4] = skb->protocol;
	out[5] = skb->vlan_present;
	out[6] = skb->vlan_tci;
	out[7] = skb->vlan_proto;
	out[8] = skb->priority;
	out[9] = skb->ingress_ifindex;
	out[10] = skb->ifindex;
	out[11] = skb->tc_index;
	out[12] = skb->cb[0];
	out[13] = skb->cb[4];
	out[14] = skb->hash;
	out[15] = skb->tc_classid;
	out[16] = skb->napi_id;
	out[17] = skb->wire_len;
	out[18] = skb->gso_segs;
	out[19] = skb->gso_size;
	out[20] = skb->tstamp;
	out[21] = skb->tstamp_type;
	out[22] = skb->hwtstamp;
	out[23] = bpf_get_cgroup_classid(skb);
	out[24] = bpf_get_route_realm(skb);
	out[25] = skb->sk ? 1 : 0;
	return 0;
}

SEC("socket")
int socket_filter(struct __sk_buff *skb)
{
	__u32 hash = 0x811c9dc5;
	__u8 bytes[4] = {};

	hash = mix(hash, skb->len);
	hash = mix(hash, skb->pkt_type);
	hash = mix(hash, skb->protocol);
	hash = mix(hash, skb->ifindex);
	hash = mix(hash, bpf_skb_load_bytes(skb, 0, bytes, 4));
	hash = mix(hash, *(__u32 *)bytes);
	hash = mix(hash, bpf_skb_load_bytes_relative(skb, 2, bytes, 4, BPF_HDR_START_MAC));
	hash = mix(hash, *(__u32 *)bytes);
	hash = mix(hash, bpf_skb_load_bytes_relative(skb, 2, bytes, 4, BPF_HDR_START_NET));
	hash = mix(hash, *(__u32 *)bytes);
	return hash;
}

SEC("cgroup_skb/egress")
int cgroup(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if (data + 4 > end)
		return 0;
	skb->mark = *(__u32 *)data;
	/* The kernel takes 0 to 3. */
	return (skb->len ^ *(__u8 *)data) & 1;
}

char _license[] SEC("license") = "Dual MIT/GPL";
