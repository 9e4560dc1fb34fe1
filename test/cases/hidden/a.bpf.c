// CASE: the most constraining visibility wins, and hidden symbols still link
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: helper visibility=hidden binding=global
// EXPECT-SYMBOL: number visibility=hidden
// EXPECT-SYMBOL: plain visibility=default
// EXPECT-RUN: prog 42
#include "../case.h"

extern int helper(int number);
extern int number __hidden;
extern int plain(int number);

PROGRAM prog(CONTEXT)
{
	return helper(number) + plain(1);
}

LICENSE("Dual MIT/GPL");
