#include "../case.h"

char license_b[] SEC("license") = "Dual MIT/GPL";

PROGRAM prog_b(CONTEXT)
{
	return *(volatile char *)license_b;
}
