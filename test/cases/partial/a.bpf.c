// CASE: a partial link is an object like any other: its externs are found later, its statics stay apart
// LINK: (a b) c
// LINK: c (a b)
// LINK: (c a) b
// LINK: (b c) a
// LINK: ((a) b) c
// LINK: a b c
// EXPECT-UNRESOLVED:
// EXPECT-SYMBOL: from_c kind=function
// EXPECT-RUN: prog 42
#include "../case.h"

static __noinline int local(int number)
{
	return number + 1;
}

extern int from_b(int number);
extern int counter;

PROGRAM prog(CONTEXT)
{
	counter += 10;
	return from_b(local(20)) + counter;
}

LICENSE("Dual MIT/GPL");
