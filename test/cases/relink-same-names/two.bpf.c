#include "../case.h"

PROGRAM one(CONTEXT)
{
	return 1;
}

PROGRAM other(CONTEXT)
{
	return 2;
}

LICENSE("Dual MIT/GPL");
