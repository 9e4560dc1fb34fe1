// SPDX-License-Identifier: MIT
/* What the kernel says of itself: its configuration, its release, its variables. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define bool _Bool

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern unsigned int CONFIG_HZ __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern char CONFIG_KVM_GUEST __kconfig;
extern enum libbpf_tristate CONFIG_TCP_CONG_DCTCP __kconfig;
extern unsigned long long CONFIG_ILLEGAL_POINTER_VALUE __kconfig;
extern char CONFIG_DEFAULT_TCP_CONG[4] __kconfig;
extern bool CONFIG_OF_THE_FUTURE __kconfig __weak;

struct rq {
	int cpu;
} __attribute__((preserve_access_index));

extern const struct rq runqueues __ksym __weak;
extern const void schedule __ksym;
extern const void of_the_future __ksym __weak;

int version, cookie, wrapper, hertz, syscall, guest, module, future;
unsigned long long pointer, address;
char control[4];
long processor = -1;

SEC("xdp")
int tell(struct xdp_md *ctx)
{
	struct rq *queue;

	version = LINUX_KERNEL_VERSION;
	cookie = LINUX_HAS_BPF_COOKIE;
	wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	hertz = CONFIG_HZ;
	syscall = CONFIG_BPF_SYSCALL;
	guest = CONFIG_KVM_GUEST;
	module = CONFIG_TCP_CONG_DCTCP;
	pointer = CONFIG_ILLEGAL_POINTER_VALUE;
	for (int i = 0; i < 4; i++)
		control[i] = CONFIG_DEFAULT_TCP_CONG[i];
	future = CONFIG_OF_THE_FUTURE;

	if (&runqueues) {
		queue = bpf_per_cpu_ptr(&runqueues, 1);
		if (queue)
			processor = queue->cpu;
	}
	address = (unsigned long long)&schedule;
	if (&of_the_future)
		future = 1;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
