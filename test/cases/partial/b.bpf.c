#include "../case.h"

static volatile int shift = 3;

static __noinline int local(int number)
{
	return number + shift;
}

extern int from_c(int number);

int from_b(int number)
{
	return from_c(local(number)); /* 24 -> 28 */
}

LICENSE("Dual MIT/GPL");
