// CASE: static functions, variables and tables of the same names in two files stay apart
// LINK: a b
// LINK: b a
// EXPECT-SYMBOL: helper kind=function binding=local
// EXPECT-SYMBOL: helper__2 kind=function binding=local
// EXPECT-RUN: prog_a 123
// EXPECT-RUN: prog_b 579
#include "../case.h"

static volatile int state = 100;
static volatile int zeroed;
static const volatile int table[3] = { 1, 20, 300 };

static __noinline int helper(int index)
{
	zeroed += 2;
	return index < 3 ? table[index & 1] + zeroed + state : -1;
}

PROGRAM prog_a(CONTEXT)
{
	return helper(ctx->len ? 1 : 0) + 1;
}

LICENSE("Dual MIT/GPL");
