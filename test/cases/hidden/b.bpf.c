#include "../case.h"

int number = 40;

__hidden int helper(int number)
{
	return number + 1;
}

int plain(int number)
{
	return number;
}

LICENSE("Dual MIT/GPL");
