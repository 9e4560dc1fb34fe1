#include "../case.h"

static volatile int local = 4;
int counter = 4;

int from_c(int number)
{
	return number + local;
}

LICENSE("Dual MIT/GPL");
