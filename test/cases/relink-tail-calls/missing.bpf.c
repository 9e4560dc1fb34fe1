#include "../case.h"

extern int nowhere(int number);

PROGRAM prog(CONTEXT)
{
	return nowhere(1);
}

LICENSE("Dual MIT/GPL");
