#include "../case.h"

#define TAG(text) __attribute__((btf_decl_tag(text)))

int check(int number TAG("winner"))
{
	return number + 1;
}

LICENSE("Dual MIT/GPL");
