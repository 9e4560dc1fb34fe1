// SPDX-License-Identifier: MIT
/*
 * CO-RE relocations of every kind against the running kernel. Each program returns what its relocation gave, so that
 * a test run shows the value; the whole object is also loaded through libbpf, and the programs must be the same.
 */
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
struct task_struct {
	int tgid;
	int pid;
	char comm[16];
	unsigned flags;
	struct task_struct *parent;
	unsigned sched_reset_on_fork : 1;
} RELOCATABLE;

struct task_struct___never {
	int no_such_member;
	int pid;
} RELOCATABLE;

struct no_such_struct {
	int member;
} RELOCATABLE;

struct sk_buff___mine {
	unsigned len;
	__u8 cloned : 1;
	__u8 pkt_type : 3;
	__u16 protocol;
	char cb[48];
	__u32 hash;
} RELOCATABLE;

/* In the kernel `next` is in a struct in an unnamed union. */
struct sk_buff___nested {
	struct sk_buff *next;
	struct sk_buff *prev;
} RELOCATABLE;

/* A flexible array of the kernel. */
struct bpf_prog_array_item___mine {
	void *prog;
} RELOCATABLE;
struct bpf_prog_array {
	struct bpf_prog_array_item___mine items[0];
} RELOCATABLE;

enum bpf_map_type___mine {
	BPF_MAP_TYPE_HASH = 77,
	BPF_MAP_TYPE_RINGBUF = 78,
	BPF_MAP_TYPE_OF_THE_FUTURE = 79,
};

/* Negative values are sign-extended. */
enum hrtimer_restart___mine {
	HRTIMER_RESTART = -9,
};

typedef unsigned long size_t;
typedef unsigned no_such_type;

struct list_head {
	struct list_head *next, *prev;
};
struct list_head___partial {
	struct list_head *prev;
};
struct list_head___wrong {
	int prev;
};
struct list_head___more {
	struct list_head *next, *prev, *third;
};

#define PROGRAM(name, value)                 \
	SEC("xdp") int name(struct xdp_md *ctx) \
	{                                       \
		return value;                   \
	}

PROGRAM(offset_pid, field(((struct task_struct *)0)->pid, FIELD_BYTE_OFFSET))
PROGRAM(offset_comm3, field(((struct task_struct *)0)->comm[3], FIELD_BYTE_OFFSET))
PROGRAM(offset_nested, field(((struct sk_buff___nested *)0)->prev, FIELD_BYTE_OFFSET))
PROGRAM(offset_flexible, field(((struct bpf_prog_array *)0)->items[5].prog, FIELD_BYTE_OFFSET))
PROGRAM(offset_indexed, field(((struct task_struct *)0)[2].tgid, FIELD_BYTE_OFFSET))
PROGRAM(offset_bits, field(((struct sk_buff___mine *)0)->pkt_type, FIELD_BYTE_OFFSET))
PROGRAM(size_comm, field(((struct task_struct *)0)->comm, FIELD_BYTE_SIZE))
PROGRAM(size_flags, field(((struct task_struct *)0)->flags, FIELD_BYTE_SIZE))
PROGRAM(size_bits, field(((struct sk_buff___mine *)0)->pkt_type, FIELD_BYTE_SIZE))
PROGRAM(exists_pid, field(((struct task_struct *)0)->pid, FIELD_EXISTS))
PROGRAM(exists_not, field(((struct task_struct___never *)0)->no_such_member, FIELD_EXISTS))
PROGRAM(exists_nowhere, field(((struct no_such_struct *)0)->member, FIELD_EXISTS))
PROGRAM(exists_flavour, field(((struct task_struct___never *)0)->pid, FIELD_EXISTS))
PROGRAM(signed_pid, field(((struct task_struct *)0)->pid, FIELD_SIGNED))
PROGRAM(signed_flags, field(((struct task_struct *)0)->flags, FIELD_SIGNED))
PROGRAM(lshift_bits, field(((struct sk_buff___mine *)0)->pkt_type, FIELD_LSHIFT))
PROGRAM(rshift_bits, field(((struct sk_buff___mine *)0)->pkt_type, FIELD_RSHIFT))
PROGRAM(lshift_plain, field(((struct sk_buff___mine *)0)->hash, FIELD_LSHIFT))
PROGRAM(rshift_plain, field(((struct sk_buff___mine *)0)->hash, FIELD_RSHIFT))
PROGRAM(type_exists, type(struct task_struct, TYPE_EXISTS))
PROGRAM(type_exists_flavour, type(struct task_struct___never, TYPE_EXISTS))
PROGRAM(type_exists_not, type(struct no_such_struct, TYPE_EXISTS))
PROGRAM(type_exists_typedef, type(size_t, TYPE_EXISTS))
PROGRAM(type_exists_not_typedef, type(no_such_type, TYPE_EXISTS))
PROGRAM(type_size, type(struct sk_buff___mine, TYPE_SIZE))
PROGRAM(type_size_not, type(struct no_such_struct, TYPE_SIZE))
PROGRAM(type_matches, type(struct list_head, TYPE_MATCHES))
PROGRAM(type_matches_partial, type(struct list_head___partial, TYPE_MATCHES))
PROGRAM(type_matches_wrong, type(struct list_head___wrong, TYPE_MATCHES))
PROGRAM(type_matches_more, type(struct list_head___more, TYPE_MATCHES))
PROGRAM(type_id_target, type_id(struct task_struct, TYPE_ID_TARGET))
PROGRAM(type_id_target_not, type_id(struct no_such_struct, TYPE_ID_TARGET))
PROGRAM(enum_exists, enumerator(enum bpf_map_type___mine, BPF_MAP_TYPE_RINGBUF, ENUMVAL_EXISTS))
PROGRAM(enum_exists_not, enumerator(enum bpf_map_type___mine, BPF_MAP_TYPE_OF_THE_FUTURE, ENUMVAL_EXISTS))
PROGRAM(enum_value, enumerator(enum bpf_map_type___mine, BPF_MAP_TYPE_RINGBUF, ENUMVAL_VALUE))
PROGRAM(enum_value_of_one, enumerator(enum hrtimer_restart___mine, HRTIMER_RESTART, ENUMVAL_VALUE))

/* Loads through the context: the verifier accepts only the right offset and width. */
struct __sk_buff___mine {
	__u64 wrong[4];
	__u32 mark;
	__u64 protocol; /* 4 bytes in the kernel */
} RELOCATABLE;

SEC("tc")
int load_mark(struct __sk_buff___mine *ctx)
{
	return ctx->mark;
}

SEC("tc")
int load_narrower(struct __sk_buff___mine *ctx)
{
	return ctx->protocol;
}

SEC("tc")
int store_mark(struct __sk_buff___mine *ctx)
{
	ctx->mark = 1234;
	return ctx->mark;
}

/* Of a signed field only as many bytes as it has may be read: this load is poisoned, but dead. */
struct __sk_buff___signed {
	long mark;
} RELOCATABLE;

SEC("tc")
int poisoned_but_guarded(struct __sk_buff___signed *ctx)
{
	if (field(((struct no_such_struct *)0)->member, FIELD_EXISTS))
		return ctx->mark;
	return 5;
}

char _license[] SEC("license") = "GPL";
