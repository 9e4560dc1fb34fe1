// SPDX-License-Identifier: MIT
/* What `bench:load` loads: 50 CO-RE relocations against the kernel, and a ring buffer that a program fills. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define RELOCATABLE __attribute__((preserve_access_index))
#define OFFSET(type, member) __builtin_preserve_field_info(((struct type *)0)->member, 0)

struct task_struct {
	int pid, tgid, prio, static_prio, normal_prio, policy, exit_state, exit_code, exit_signal, pdeath_signal;
	unsigned long nvcsw, nivcsw, min_flt, maj_flt;
	void *mm, *active_mm, *real_parent, *parent, *group_leader, *files, *nsproxy, *signal, *sighand, *cgroups;
} RELOCATABLE;

struct sk_buff {
	unsigned int len, data_len, hash, priority, mark;
	unsigned short mac_len, hdr_len, queue_mapping, protocol, transport_header, network_header, mac_header;
	unsigned char *head, *data;
} RELOCATABLE;

struct net_device {
	unsigned int mtu, flags, priv_flags;
	int ifindex;
	unsigned short type;
	unsigned char addr_len;
	void *netdev_ops, *ethtool_ops;
	unsigned int num_tx_queues, num_rx_queues;
	unsigned long state;
	void *ip_ptr;
} RELOCATABLE;

SEC("xdp")
int relocated(struct xdp_md *ctx)
{
	return OFFSET(task_struct, pid) + OFFSET(task_struct, tgid) + OFFSET(task_struct, prio) +
	       OFFSET(task_struct, static_prio) + OFFSET(task_struct, normal_prio) +
	       OFFSET(task_struct, policy) + OFFSET(task_struct, exit_state) +
	       OFFSET(task_struct, exit_code) + OFFSET(task_struct, exit_signal) +
	       OFFSET(task_struct, pdeath_signal) + OFFSET(task_struct, nvcsw) +
	       OFFSET(task_struct, nivcsw) + OFFSET(task_struct, min_flt) + OFFSET(task_struct, maj_flt) +
	       OFFSET(task_struct, mm) + OFFSET(task_struct, active_mm) +
	       OFFSET(task_struct, real_parent) + OFFSET(task_struct, parent) +
	       OFFSET(task_struct, group_leader) + OFFSET(task_struct, files) +
	       OFFSET(task_struct, nsproxy) + OFFSET(task_struct, signal) +
	       OFFSET(task_struct, sighand) + OFFSET(task_struct, cgroups) + OFFSET(sk_buff, len) +
	       OFFSET(sk_buff, data_len) + OFFSET(sk_buff, hash) + OFFSET(sk_buff, priority) +
	       OFFSET(sk_buff, mark) + OFFSET(sk_buff, mac_len) + OFFSET(sk_buff, hdr_len) +
	       OFFSET(sk_buff, queue_mapping) + OFFSET(sk_buff, protocol) +
	       OFFSET(sk_buff, transport_header) + OFFSET(sk_buff, network_header) +
	       OFFSET(sk_buff, mac_header) + OFFSET(sk_buff, head) + OFFSET(sk_buff, data) +
	       OFFSET(net_device, mtu) + OFFSET(net_device, flags) + OFFSET(net_device, priv_flags) +
	       OFFSET(net_device, ifindex) + OFFSET(net_device, type) + OFFSET(net_device, addr_len) +
	       OFFSET(net_device, netdev_ops) + OFFSET(net_device, ethtool_ops) +
	       OFFSET(net_device, num_tx_queues) + OFFSET(net_device, num_rx_queues) +
	       OFFSET(net_device, state) + OFFSET(net_device, ip_ptr);
}

#ifdef WITH_RING
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 32 << 20);
} ring SEC(".maps");

__u64 sent = 0, lost = 0;

/* 1000 events a run, numbered. */
static int thousand(__u64 flags)
{
	for (int i = 0; i < 1000; i++) {
		__u64 number = sent;

		if (bpf_ringbuf_output(&ring, &number, sizeof(number), flags))
			lost++;
		else
			sent++;
	}
	return XDP_PASS;
}

/* Nobody is woken: the ring is emptied afterwards. */
SEC("xdp")
int fill(struct xdp_md *ctx)
{
	return thousand(BPF_RB_NO_WAKEUP);
}

/* Somebody takes events out meanwhile. */
SEC("xdp")
int send(struct xdp_md *ctx)
{
	return thousand(0);
}
#endif

char _license[] SEC("license") = "GPL";
