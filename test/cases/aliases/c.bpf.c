#include "../case.h"

int weak_alias(int x)
{
	return x + 3;
}

LICENSE("Dual MIT/GPL");
