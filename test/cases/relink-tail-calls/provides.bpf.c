#include "../case.h"

__noinline int nowhere(int number)
{
	HIDE(number);
	return number;
}

PROGRAM prog(CONTEXT)
{
	return nowhere(2);
}

LICENSE("Dual MIT/GPL");
