// SPDX-License-Identifier: MIT
/* Helpers that work with text and numbers, ring buffers, and everything else that needs no packet. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char out[16][64];
long results[32];

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

static const char word[] = "wörd";
static const __u8 ipv6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
static const __u8 ipv4[4] = { 192, 0, 2, 7 };

/* So that the compiler puts no pointers into constants, which nobody could fill in. */
static __always_inline __u64 address(const void *pointer)
{
	asm volatile("" : "+r"(pointer));
	return (__u64)pointer;
}

#define FORMAT(i, text, args...) \
	do { \
		__u64 data[] = { args }; \
		static const char format[] = text; \
		results[i] = bpf_snprintf(out[i], sizeof(out[i]), format, data, sizeof(data)); \
	} while (0)

SEC("tc")
int formats(struct __sk_buff *skb)
{
	__u64 number = 0xfffffffffffffff5ull;

	FORMAT(0, "%d %i %u", number, 7, number);
	FORMAT(1, "%ld %lld %lu %llu", number, number, number, 12);
	FORMAT(2, "%x %X %lx %llx", 0xabc, 0xabc, number, number);
	FORMAT(3, "%5d|%-5d|%05d", 42, 42, 42);
	FORMAT(4, "[%s] %c%%", address(word), 'z');
	FORMAT(5, "%pI4 %pi4", address(ipv4), address(ipv4));
	FORMAT(6, "%pI6 %pi6", address(ipv6), address(ipv6));
	FORMAT(7, "%d and more than fits into sixty-four bytes, so that it is cut %d", 1, 2);
	FORMAT(8, "%08x %8x|%-8x|", 0xbeef, 0xbeef, 0xbeef);
	FORMAT(9, "%s", (__u64)0);
	return 0;
}

#define NUMBER(i, call, text, flags) \
	do { \
		static const char source[] = text; \
		char copy[24] = {}; \
\
		__builtin_memcpy(copy, source, sizeof(source) < 24 ? sizeof(source) : 24); \
		value = 0; \
		results[i] = call(copy, sizeof(source) - 1, flags, (void *)&value); \
		results[i] = results[i] * 1000003 + value; \
	} while (0)

SEC("tc")
int numbers(struct __sk_buff *skb)
{
	long value;

	NUMBER(0, bpf_strtol, "-12", 0);
	NUMBER(1, bpf_strtol, "  0x7f ", 0);
	NUMBER(2, bpf_strtol, "0755", 0);
	NUMBER(3, bpf_strtol, "9223372036854775807", 10);
	NUMBER(4, bpf_strtol, "9223372036854775808", 10);
	NUMBER(5, bpf_strtol, "-9223372036854775808", 10);
	NUMBER(6, bpf_strtol, "x", 0);
	NUMBER(7, bpf_strtol, "12abc", 16);
	NUMBER(8, bpf_strtol, "12abc", 10);
	NUMBER(9, bpf_strtoul, "-1", 0);
	NUMBER(10, bpf_strtoul, "18446744073709551615", 0);
	NUMBER(11, bpf_strtoul, "18446744073709551616", 0);
	NUMBER(12, bpf_strtoul, "089", 0);
	NUMBER(13, bpf_strtoul, "0x", 0);
	NUMBER(14, bpf_strtoul, "7", 3);
	NUMBER(15, bpf_strtoul, "0xFfz", 16);
	NUMBER(16, bpf_strtoul, "- 1", 10);
	return 0;
}

static const char apple[] = "apple";

SEC("tc")
int compares(struct __sk_buff *skb)
{
	char text[8] = "apple";

	results[0] = bpf_strncmp(text, 8, apple);
	text[4] = 'a';
	results[1] = bpf_strncmp(text, 8, apple);
	results[2] = bpf_strncmp(text, 4, apple);
	text[4] = 'z';
	results[3] = bpf_strncmp(text, 8, apple);
	text[2] = 0;
	results[4] = bpf_strncmp(text, 8, apple);
	return 0;
}

SEC("tc")
int rings(struct __sk_buff *skb)
{
	__u64 record = 0x1122334455667788ull;
	__u64 *reserved;

	results[0] = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);
	results[1] = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	results[2] = bpf_ringbuf_output(&ring, &record, sizeof(record), 0);
	reserved = bpf_ringbuf_reserve(&ring, 24, 0);
	results[3] = reserved != 0;
	if (reserved) {
		reserved[0] = 1;
		reserved[2] = 3;
		bpf_ringbuf_submit(reserved, 0);
	}
	reserved = bpf_ringbuf_reserve(&ring, 16, 0);
	results[4] = reserved != 0;
	if (reserved)
		bpf_ringbuf_discard(reserved, 0);
	results[5] = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	reserved = bpf_ringbuf_reserve(&ring, 4096, 0);
	results[6] = reserved != 0;
	if (reserved)
		bpf_ringbuf_discard(reserved, 0);
	results[7] = bpf_ringbuf_output(&ring, &record, sizeof(record), 8);
	return 0;
}

char _license[] SEC("license") = "GPL";
