#include "../case.h"

int data_b SEC(".data.extra") = 2;
static volatile int more_data_b SEC(".data.extra") = 5;
const volatile int rodata_b SEC(".rodata.extra") = 20;
__u64 bss_b SEC(".bss.extra");

PROGRAM prog_b(CONTEXT)
{
	bss_b += 195;
	return data_b + rodata_b + bss_b + more_data_b;
}

LICENSE("Dual MIT/GPL");
