// CASE: a function declared as the kernel's is found in another file when that defines it, whichever comes first
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: helper kind=function section=.text from=b
// EXPECT-UNRESOLVED:
// EXPECT-RUN: prog 42
#include "../case.h"

extern int helper(int number) __ksym;

PROGRAM prog(CONTEXT)
{
	return helper(21);
}

LICENSE("Dual MIT/GPL");
