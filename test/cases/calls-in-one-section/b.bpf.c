#include "../case.h"

static __noinline int leaf(int number)
{
	return number * 2;
}

static __noinline int middle(int number)
{
	return leaf(number) + leaf(number + 5);
}

PROGRAM prog_b(CONTEXT)
{
	return middle(5);
}

LICENSE("Dual MIT/GPL");
