#include "../case.h"

__weak int value(void)
{
	return 1;
}

LICENSE("Dual MIT/GPL");
