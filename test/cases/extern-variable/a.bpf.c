// CASE: extern variables find their definitions in .data, .bss and .rodata of another file
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: initialised kind=variable section=.data size=4 from=b
// EXPECT-SYMBOL: zeroed kind=variable section=.bss size=8 from=b
// EXPECT-SYMBOL: constant kind=variable section=.rodata size=2 from=b
// EXPECT-RUN: prog 42
#include "../case.h"

extern int initialised;
extern __u64 zeroed;
extern const volatile __u16 constant;

/* Variables of its own, so that those of the other file do not lie at offset 0. */
int own_data = 1;
int own_bss;
const volatile int own_rodata = 3;

PROGRAM prog(CONTEXT)
{
	zeroed += 2;
	initialised += zeroed; /* 32 */
	own_bss++;
	return initialised + constant + own_data + own_bss + own_rodata;
}

LICENSE("Dual MIT/GPL");
