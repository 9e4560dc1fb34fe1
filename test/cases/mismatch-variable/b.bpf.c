#include "../case.h"

typedef unsigned int counter;

struct record {
	__u32 first;
	__u32 third;
};

long size = 1;
struct record record = { 1, 2 };
char *pointer = 0;
counter same = 1;

LICENSE("Dual MIT/GPL");
