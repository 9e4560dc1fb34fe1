#include "../case.h"

int replaced(int number)
{
	return number + 10;
}

LICENSE("Dual MIT/GPL");
