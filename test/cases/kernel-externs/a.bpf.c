// CASE: configuration values and kernel symbols stay open for the loader; one strong reference makes the result strong
// LINK: a b
// LINK: b a
// EXPECT-UNRESOLVED: CONFIG_HZ LINUX_KERNEL_VERSION bpf_rcu_read_lock bpf_rcu_read_unlock bpf_rootlet_missing
// EXPECT-SYMBOL: CONFIG_HZ kind=extern binding=global section=.kconfig
// EXPECT-SYMBOL: LINUX_KERNEL_VERSION kind=extern binding=global section=.kconfig
// EXPECT-SYMBOL: bpf_rcu_read_lock kind=extern binding=global section=.ksyms
// EXPECT-SYMBOL: bpf_rootlet_missing kind=extern binding=weak section=.ksyms
// EXPECT-KERNEL-SKIP: needs the configuration of the kernel
#include "../case.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned long CONFIG_HZ __kconfig __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_rootlet_missing(void) __ksym __weak;

PROGRAM prog_a(CONTEXT)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	if (bpf_rootlet_missing)
		bpf_rootlet_missing();
	return LINUX_KERNEL_VERSION + CONFIG_HZ;
}

LICENSE("Dual MIT/GPL");
