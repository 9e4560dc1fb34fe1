// CASE: aliases are symbols at one place: each is bound to, and a weak one can be overridden on its own
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: body kind=function from=b binding=global
// EXPECT-SYMBOL: alias kind=function from=b binding=global
// EXPECT-SYMBOL: weak_alias kind=function from=b
// EXPECT-SYMBOL: number kind=variable from=b
// EXPECT-SYMBOL: number_alias kind=variable from=b
// EXPECT-SECTION: .data size=4
// EXPECT-UNRESOLVED:
// EXPECT-RUN: prog 17224
// LINK-ANY-ORDER: a b c
// EXPECT-SYMBOL: weak_alias kind=function from=c
// EXPECT-RUN: prog 17205
// LINK-ANY-ORDER: a b d
// EXPECT-SYMBOL: number kind=variable from=b
// EXPECT-SYMBOL: from_static kind=function from=b
// EXPECT-RUN: prog 17224
// LINK: (a) (b)
// EXPECT-RUN: prog 17224
#include "../case.h"

extern int body(int x), alias(int x), weak_alias(int x), from_static(int x);
extern int number, number_alias;

PROGRAM prog(CONTEXT)
{
	number_alias = 10;
	return alias(1) * 1000 + body(1) * 10 + weak_alias(2) + from_static(2) + number;
}

LICENSE("Dual MIT/GPL");
