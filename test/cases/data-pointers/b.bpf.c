#include "../case.h"

static int target = 2;
int global_b = 9;

static int other(int number)
{
	return number + 1;
}

static int callee(int number)
{
	return number + target;
}

int *to_static_b = &target;
int (*to_other_b)(int) = other;
int (*to_function_b)(int) = callee;

PROGRAM prog_b(CONTEXT)
{
	return *to_static_b;
}

LICENSE("Dual MIT/GPL");
