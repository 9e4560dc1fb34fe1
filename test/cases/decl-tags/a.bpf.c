// CASE: declaration tags of a definition that lost do not stick to the one that won
// LINK-ANY-ORDER: a weak strong
// EXPECT-SYMBOL: check from=strong
// EXPECT-TAG: kept
// EXPECT-TAG: winner
// EXPECT-NO-TAG: loser
// EXPECT-NO-TAG: loser_parameter
// EXPECT-RUN: prog 42
#include "../case.h"

#define TAG(text) __attribute__((btf_decl_tag(text)))

extern int check(int number);

struct tagged {
	int member TAG("kept");
};

struct tagged tagged;

PROGRAM prog(CONTEXT)
{
	return check(41) + tagged.member;
}

LICENSE("Dual MIT/GPL");
