#include "../case.h"

__weak int value(void)
{
	return 2;
}

LICENSE("Dual MIT/GPL");
