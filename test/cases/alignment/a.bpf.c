// CASE: variables keep their alignment when those of other files push them
// LINK-ANY-ORDER: a b
// EXPECT-ALIGNED: aligned_a 64
// EXPECT-ALIGNED: aligned_b 32
// EXPECT-ALIGNED: wide 8
// EXPECT-RUN: prog_a 42
// EXPECT-RUN: prog_b 73
#include "../case.h"

char small_a = 2;
struct {
	int number;
} __attribute__((aligned(64))) aligned_a = { 40 };

PROGRAM prog_a(CONTEXT)
{
	return aligned_a.number + small_a;
}

LICENSE("Dual MIT/GPL");
