#include "../case.h"

extern unsigned long CONFIG_HZ __kconfig;
extern int LINUX_KERNEL_VERSION __kconfig;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_rootlet_missing(void) __ksym __weak;

PROGRAM prog_b(CONTEXT)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	if (bpf_rootlet_missing)
		return 3;
	return LINUX_KERNEL_VERSION + CONFIG_HZ;
}

LICENSE("Dual MIT/GPL");
