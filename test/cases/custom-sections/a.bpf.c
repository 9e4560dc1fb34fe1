// CASE: sections .data.x, .rodata.x and .bss.x are merged by name, each for itself
// LINK: a b
// LINK: b a
// EXPECT-SECTION: .data.extra size=12
// EXPECT-SECTION: .rodata.extra size=8
// EXPECT-SECTION: .bss.extra size=16
// EXPECT-SYMBOL: data_b section=.data.extra
// EXPECT-LIBBPF-SKIP: it knows only one .bss
// EXPECT-RUN: prog_a 111
// EXPECT-RUN: prog_b 222
#include "../case.h"

int data_a SEC(".data.extra") = 1;
const volatile int rodata_a SEC(".rodata.extra") = 10;
int bss_a SEC(".bss.extra");
int other_bss_a SEC(".bss.extra");

PROGRAM prog_a(CONTEXT)
{
	bss_a += 100;
	other_bss_a++;
	return data_a + rodata_a + bss_a;
}

LICENSE("Dual MIT/GPL");
