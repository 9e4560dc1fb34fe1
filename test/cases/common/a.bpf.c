// CFLAGS: -fcommon
// CASE: tentative definitions (-fcommon) become one variable; the largest counts, and a real definition beats them
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: shared section=.bss size=4 binding=global
// EXPECT-RUN: prog_a 2
// EXPECT-RUN: prog_b 5
// LINK-ANY-ORDER: a b defined
// EXPECT-SYMBOL: shared section=.data from=defined
// EXPECT-RUN: prog_a 42
// EXPECT-RUN: prog_b 45
#include "../case.h"

int shared;
int only_a;

PROGRAM prog_a(CONTEXT)
{
	shared += 2;
	only_a++;
	return shared;
}

LICENSE("Dual MIT/GPL");
