// CASE: code that reads the licence text still finds it when the text of another file is kept
// LINK: a b
// LINK: b a
// EXPECT-RUN: prog_a 68
// EXPECT-RUN: prog_b 68
// EXPECT-KERNEL-SKIP: loaders make no map of the section "license"
#include "../case.h"

char license_a[] SEC("license") = "Dual MIT/GPL";

PROGRAM prog_a(CONTEXT)
{
	return *(volatile char *)license_a;
}
