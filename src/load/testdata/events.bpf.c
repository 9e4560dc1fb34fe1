// SPDX-License-Identifier: MIT
/* Sends records to user space, through a ring buffer and through perf buffers. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} perf SEC(".maps");

__u32 sent = 0;
__u32 dropped = 0;

/* A record of 12 bytes; every third one is discarded. */
SEC("xdp")
int to_ring(struct xdp_md *ctx)
{
	__u32 number = sent++;
	__u32 *record = bpf_ringbuf_reserve(&ring, 12, 0);

	if (!record) {
		dropped++;
		return 0;
	}
	record[0] = number;
	record[1] = number * 2;
	record[2] = 0xabcd;
	if (number % 3 == 2)
		bpf_ringbuf_discard(record, 0);
	else
		bpf_ringbuf_submit(record, 0);
	return 1;
}

SEC("xdp")
int to_perf(struct xdp_md *ctx)
{
	__u32 record[3] = { sent++, 7, 9 };

	return bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, record, sizeof(record)) == 0;
}

char _license[] SEC("license") = "GPL";
