#include "../case.h"

int number = 6;

int value(void)
{
	return 2;
}

PROGRAM prog(CONTEXT)
{
	return 3;
}

LICENSE("Dual MIT/GPL");
