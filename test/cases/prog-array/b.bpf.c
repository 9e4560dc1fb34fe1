#include "../case.h"

PROGRAM other(CONTEXT)
{
	return 6;
}

PROGRAM target(CONTEXT)
{
	return 7;
}

LICENSE("Dual MIT/GPL");
