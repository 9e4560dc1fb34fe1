// SPDX-License-Identifier: MIT
/* Every kind of extern that a loader binds to the kernel. The programs return what they were bound to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define bool _Bool

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern int LINUX_OF_THE_FUTURE __kconfig __weak;

extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_BPF_JIT __kconfig __weak;
extern char CONFIG_BPF __kconfig;
extern unsigned int CONFIG_HZ __kconfig;
extern unsigned long long CONFIG_LOG_BUF_SHIFT __kconfig;
extern unsigned short CONFIG_NR_CPUS __kconfig;
extern char CONFIG_DEFAULT_HOSTNAME[8] __kconfig __weak;
extern bool CONFIG_NOT_A_SETTING __kconfig __weak;


extern int bpf_dynptr_from_xdp(struct xdp_md *ctx, __u64 flags, struct bpf_dynptr *dynptr) __ksym;
/* One function, two declarations: the second is of a kernel that never was. */
extern __u32 bpf_dynptr_size___real(const struct bpf_dynptr *dynptr) __ksym __weak;
extern __u32 bpf_dynptr_size___odd(int one, int two, int three) __ksym __weak;
extern int bpf_of_the_future(int number) __ksym __weak;

extern const void __start_rodata __ksym;
extern const void no_such_symbol __ksym __weak;
extern const int no_such_variable __ksym __weak;

SEC("xdp")
int configuration(struct xdp_md *ctx)
{
	return LINUX_HAS_BPF_COOKIE + 2 * LINUX_HAS_SYSCALL_WRAPPER + 4 * CONFIG_BPF_SYSCALL +
	       8 * (CONFIG_BPF_JIT == TRI_YES) + 16 * (CONFIG_BPF == 'y') + 32 * CONFIG_NOT_A_SETTING +
	       64 * (LINUX_OF_THE_FUTURE != 0);
}

SEC("xdp")
int version(struct xdp_md *ctx)
{
	return LINUX_KERNEL_VERSION;
}

SEC("xdp")
int numbers(struct xdp_md *ctx)
{
	return CONFIG_HZ * 1000000 + CONFIG_LOG_BUF_SHIFT * 10000 + CONFIG_NR_CPUS + CONFIG_DEFAULT_HOSTNAME[0];
}

SEC("xdp")
int functions(struct xdp_md *ctx)
{
	struct bpf_dynptr dynptr;

	if (bpf_of_the_future)
		return bpf_of_the_future(1);
	if (bpf_dynptr_size___odd)
		return bpf_dynptr_size___odd(1, 2, 3);
	if (bpf_dynptr_from_xdp(ctx, 0, &dynptr))
		return -1;
	return bpf_dynptr_size___real ? bpf_dynptr_size___real(&dynptr) : 0;
}

SEC("xdp")
int address_low(struct xdp_md *ctx)
{
	return (long)&__start_rodata;
}

SEC("xdp")
int address_high(struct xdp_md *ctx)
{
	return (unsigned long)&__start_rodata >> 32;
}

SEC("xdp")
int missing(struct xdp_md *ctx)
{
	return !&no_such_symbol + 2 * !&no_such_variable;
}

char _license[] SEC("license") = "GPL";
