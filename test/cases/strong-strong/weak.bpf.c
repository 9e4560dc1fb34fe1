#include "../case.h"

int number __weak = 6;

__weak int value(void)
{
	return 2;
}

LICENSE("Dual MIT/GPL");
