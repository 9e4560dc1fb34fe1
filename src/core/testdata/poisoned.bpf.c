// SPDX-License-Identifier: MIT
/* Relocations that the target has no answer for, and the one whose value each loader makes up: loaded one by one. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;

#define SEC(name) __attribute__((section(name), used))
#define __weak __attribute__((weak))
#define RELOCATABLE __attribute__((preserve_access_index))

enum { FIELD_BYTE_OFFSET, FIELD_BYTE_SIZE, FIELD_EXISTS, FIELD_SIGNED, FIELD_LSHIFT, FIELD_RSHIFT };
enum { TYPE_ID_LOCAL, TYPE_ID_TARGET };
enum { TYPE_EXISTS, TYPE_SIZE, TYPE_MATCHES };
enum { ENUMVAL_EXISTS, ENUMVAL_VALUE };

#define field(place, what) __builtin_preserve_field_info(place, what)
#define type(t, what) __builtin_preserve_type_info(*(typeof(t) *)0, what)
#define type_id(t, what) __builtin_btf_type_id(*(typeof(t) *)0, what)
#define enumerator(e, v, what) __builtin_preserve_enum_value(*(typeof(e) *)v, what)

struct xdp_md {
	__u32 data;
};

/* Members in another order than in the kernel. */
struct task_struct___never {
	int no_such_member;
} RELOCATABLE;

struct sk_buff___mine {
	unsigned len;
} RELOCATABLE;

enum bpf_map_type___mine {
	BPF_MAP_TYPE_OF_THE_FUTURE = 79,
};

struct __sk_buff___signed {
	long mark;
} RELOCATABLE;

/* The program's own type: differs between loaders, which number types differently. */
SEC("?xdp")
int type_id_local(struct xdp_md *ctx)
{
	return type_id(struct sk_buff___mine, TYPE_ID_LOCAL);
}

SEC("?tc")
int poisoned_size(struct __sk_buff___signed *ctx)
{
	return ctx->mark;
}

SEC("?xdp")
int poisoned_missing(struct xdp_md *ctx)
{
	return field(((struct task_struct___never *)0)->no_such_member, FIELD_BYTE_OFFSET);
}

SEC("?xdp")
int poisoned_enumerator(struct xdp_md *ctx)
{
	return enumerator(enum bpf_map_type___mine, BPF_MAP_TYPE_OF_THE_FUTURE, ENUMVAL_VALUE);
}

char _license[] SEC("license") = "GPL";
