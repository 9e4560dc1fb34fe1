// SPDX-License-Identifier: MIT
// CFLAGS: -D__TARGET_ARCH_x86
/* A type and functions that only a module has (veth). */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Other members at other places than in the module. */
struct veth_priv {
	unsigned int requested_headroom;
	void *peer;
} __attribute__((preserve_access_index));

struct veth_priv___never {
	int nothing;
} __attribute__((preserve_access_index));

struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

int size, offset_of_headroom, offset_of_peer, has_never, opened, entered, interface;

SEC("xdp")
int look(struct xdp_md *ctx)
{
	size = bpf_core_type_size(struct veth_priv);
	offset_of_headroom = bpf_core_field_offset(struct veth_priv, requested_headroom);
	offset_of_peer = bpf_core_field_offset(struct veth_priv, peer);
	has_never = bpf_core_field_exists(((struct veth_priv___never *)0)->nothing);
	return XDP_PASS;
}

SEC("fexit/veth_open")
int BPF_PROG(leave_open, struct net_device *dev, int ret)
{
	opened++;
	interface = dev->ifindex;
	return 0;
}

SEC("?kprobe/veth_open")
int probe_open(struct pt_regs *ctx)
{
	entered++;
	return 0;
}

SEC("?kprobe.multi/veth_ope*")
int probe_opens(struct pt_regs *ctx)
{
	entered++;
	return 0;
}

SEC("?fentry/veth_open")
int BPF_PROG(enter_open, void *dev)
{
	entered++;
	return 0;
}

char _license[] SEC("license") = "GPL";
