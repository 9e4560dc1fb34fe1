#include "../case.h"

static volatile signed char small = 7;

int from_b(int number)
{
	return number;
}

PROGRAM prog_b(CONTEXT)
{
	return small;
}

LICENSE("Dual MIT/GPL");
