#include "../case.h"

struct pair {
	long other;
};

int parameter_type(int number)
{
	return number;
}

int parameter_count(int left)
{
	return left;
}

int result_type(void)
{
	return 1;
}

int same(unsigned int number, struct pair *with)
{
	return number + !with;
}

LICENSE("Dual MIT/GPL");
