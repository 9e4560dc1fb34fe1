// CASE: a strong definition beats weak ones in every order, and the losers leave nothing behind
// LINK-ANY-ORDER: a weak1 weak2 strong
// EXPECT-SYMBOL: value kind=function binding=global from=strong
// EXPECT-SECTION: .text size=16
// EXPECT-RUN: prog 42
// LINK: a weak1 weak2
// LINK: weak1 weak2 a
// LINK: weak1 a weak2
// EXPECT-SYMBOL: value from=weak1
// EXPECT-RUN: prog 1
// LINK: a weak2 weak1
// LINK: weak2 a weak1
// EXPECT-SYMBOL: value from=weak2
// EXPECT-RUN: prog 2
// LINK: a weak1
// EXPECT-RUN: prog 1
#include "../case.h"

extern int value(void);

PROGRAM prog(CONTEXT)
{
	return value();
}

LICENSE("Dual MIT/GPL");
