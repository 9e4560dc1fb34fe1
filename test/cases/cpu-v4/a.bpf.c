// CFLAGS: -mcpu=v4
// CASE: objects of a newer instruction set link with older ones; signed loads, moves, division and long jumps stay whole
// LINK-ANY-ORDER: a b
// EXPECT-RUN: prog_a 42
// EXPECT-RUN: prog_b 7
#include "../case.h"

extern int from_b(int number);

static volatile signed char small = -6;

static __noinline int divide(int number, int by)
{
	HIDE(number);
	return number / by;
}

PROGRAM prog_a(CONTEXT)
{
	return divide(-252, small) + from_b(0);
}

LICENSE("Dual MIT/GPL");
