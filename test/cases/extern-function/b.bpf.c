#include "../case.h"

int twice(int number)
{
	return number * 2;
}

LICENSE("Dual MIT/GPL");
