#include "../case.h"

#define TAG(text) __attribute__((btf_decl_tag(text)))

__weak TAG("loser") int check(int number TAG("loser_parameter"))
{
	return number + 2;
}

LICENSE("Dual MIT/GPL");
