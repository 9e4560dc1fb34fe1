// CASE: string literals of both files find their text; equal ones are kept once
// LINK: a b
// LINK: b a
// EXPECT-SECTION: .rodata.str1.1 size=25
// EXPECT-RUN: prog_a 97
// EXPECT-RUN: prog_b 108
#include "../case.h"

static __noinline int second(const char *text)
{
	HIDE(text);
	return text[1];
}

PROGRAM prog_a(CONTEXT)
{
	return ctx->len ? second("banana") : second("shared");
}

LICENSE("Dual MIT/GPL");
