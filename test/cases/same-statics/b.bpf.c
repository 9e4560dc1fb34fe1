#include "../case.h"

static volatile int zeroed;
static volatile int unused = 9;
static volatile int state = 500;
static const volatile char shift = 7;
static const volatile int table[3] = { 4, 50, 600 };

static __noinline int helper(int index)
{
	zeroed += 7;
	return table[index & 1] + shift + zeroed + state + unused;
}

static __noinline int other(int index)
{
	return helper(index) + 6;
}

PROGRAM prog_b(CONTEXT)
{
	return other(ctx->len ? 1 : 0);
}

LICENSE("Dual MIT/GPL");
