// CASE: a weak variable in .data is overridden by a strong one in .bss or .rodata; neighbours keep their values
// LINK-ANY-ORDER: a weak bss
// EXPECT-SYMBOL: moved section=.bss size=4 binding=global from=bss
// EXPECT-SECTION: .data size=16
// EXPECT-RUN: prog 30
// LINK-ANY-ORDER: a weak rodata
// EXPECT-SYMBOL: moved section=.rodata binding=global from=rodata
// EXPECT-RUN: prog 42
// LINK-ANY-ORDER: a weak
// EXPECT-SYMBOL: moved section=.data binding=global from=weak
// EXPECT-RUN: prog 37
// LINK-PARTIAL: a weak
// EXPECT-SYMBOL: moved section=.data binding=weak from=weak
#include "../case.h"

extern volatile int moved;
extern int before, after;

int mine = 6;

PROGRAM prog(CONTEXT)
{
	return moved + before + after + mine;
}

LICENSE("Dual MIT/GPL");
