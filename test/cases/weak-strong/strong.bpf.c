#include "../case.h"

int value(void)
{
	return 42;
}

LICENSE("Dual MIT/GPL");
