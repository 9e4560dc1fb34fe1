// CASE: an extern function finds its definition in another file, whichever comes first
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: twice kind=function binding=global section=.text from=b
// EXPECT-UNRESOLVED:
// EXPECT-REFERENCE: prog -> twice
// EXPECT-RUN: prog 42
#include "../case.h"

extern int twice(int number);

PROGRAM prog(CONTEXT)
{
	return twice(20) + 2;
}

LICENSE("Dual MIT/GPL");
