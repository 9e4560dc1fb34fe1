#include "../case.h"

int helper(int number)
{
	return number * 2;
}

LICENSE("Dual MIT/GPL");
