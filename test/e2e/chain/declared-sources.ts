/** Programs of declared chains, as C, and captures for them. */

const HEAD = `#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
`;

/** Counts packets in a map and in a variable, and returns what a constant states. */
export function counting(name: string, verdict: string, section = 'xdp'): string {
  const context = section === 'xdp' ? 'struct xdp_md' : 'struct __sk_buff';
  return `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, long); }
  seen SEC(".maps");
int total;
volatile const int verdict = ${verdict};
SEC("${section}") int ${name}(${context} *ctx) {
  int key = 0;
  long *count = bpf_map_lookup_elem(&seen, &key);
  if (count) __sync_fetch_and_add(count, 1);
  __sync_fetch_and_add(&total, 1);
  return verdict;
}
`;
}

/** Drops packets whose length is in a map, and all packets from the one on whose number a variable reaches. */
export const BLOCK = `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, int); __type(value, int); }
  lengths SEC(".maps");
int packets;
volatile const int most = 1000000;
SEC("xdp") int block(struct xdp_md *ctx) {
  int length = ctx->data_end - ctx->data;
  if (bpf_map_lookup_elem(&lengths, &length)) return XDP_DROP;
  return packets++ < most ? XDP_PASS : XDP_ABORTED;
}
`;

/** What the verifier refuses: a read beyond the packet. */
export const REFUSED = `${HEAD}
SEC("xdp") int refused(struct xdp_md *ctx) {
  char *data = (char *)(long)ctx->data;
  return data[0] == 1 ? XDP_DROP : XDP_PASS;
}
`;

export const NO_XDP = `${HEAD}
SEC("tc") int shaper(struct __sk_buff *skb) { return TC_ACT_OK; }
`;

/** A capture of packets of zeros with these lengths. */
export function capture(lengths: readonly number[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(1, 20);
  const packets = lengths.map(length => {
    const packet = Buffer.alloc(16 + length);
    packet.writeUInt32LE(length, 8);
    packet.writeUInt32LE(length, 12);
    return packet;
  });
  return Buffer.concat([head, ...packets]);
}
