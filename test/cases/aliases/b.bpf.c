#include "../case.h"

int number = 3;
extern int number_alias __attribute__((alias("number")));

__attribute__((noinline)) int body(int x)
{
	return x * 7 + number;
}

int alias(int x) __attribute__((alias("body")));
int weak_alias(int x) __attribute__((weak, alias("body")));

static __attribute__((noinline)) int hidden_name(int x)
{
	return x * 5 + number;
}

int from_static(int x) __attribute__((alias("hidden_name")));

LICENSE("Dual MIT/GPL");
