#include "../case.h"

int compute(int number)
{
	return number;
}

static __noinline int hidden_away(int number)
{
	HIDE(number);
	return number;
}

PROGRAM user(CONTEXT)
{
	return hidden_away(ctx->len);
}

LICENSE("Dual MIT/GPL");
