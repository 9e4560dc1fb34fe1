// CASE: calls that the compiler resolved inside a section stay right when code is put before or taken out of it
// LINK-ANY-ORDER: a b c
// EXPECT-SYMBOL: replaced from=c
// EXPECT-RUN: prog_a 42
// EXPECT-RUN: prog_b 30
#include "../case.h"

static __noinline int leaf(int number)
{
	return number + 1;
}

__weak int replaced(int number)
{
	return leaf(number) * 100;
}

static __noinline int middle(int number)
{
	return leaf(number) + leaf(number + 1);
}

PROGRAM prog_a(CONTEXT)
{
	return middle(10) + replaced(9); /* 11 + 12 + 19 */
}

LICENSE("Dual MIT/GPL");
