// SPDX-License-Identifier: MIT
/* A server whose answers come from the kernel: what its sockets receive goes back as it came. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, __u64);
} clients SEC(".maps");

/* Length of a message: what its first byte says, with that byte. */
long parsed, judged, sent;

SEC("sk_skb/stream_parser")
int parser(struct __sk_buff *skb)
{
	__u8 length = 0;

	parsed++;
	if (bpf_skb_load_bytes(skb, 0, &length, 1) < 0)
		return 0;
	return length + 1;
}

SEC("sk_skb/stream_verdict")
int back(struct __sk_buff *skb)
{
	judged++;
	return bpf_sk_redirect_map(skb, &clients, 0, 0);
}

SEC("sk_msg")
int message(struct sk_msg_md *msg)
{
	sent++;
	return msg->size > 100 ? SK_DROP : SK_PASS;
}

char _license[] SEC("license") = "GPL";
