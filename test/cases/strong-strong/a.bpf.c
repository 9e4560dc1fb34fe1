// CASE: two strong definitions clash, and the message names both files; all clashes are told together
// LINK: a b
// EXPECT-ERROR: link-duplicate b.bpf.o: "value" is defined more than once
// EXPECT-ERROR: link-duplicate a.bpf.o: int value(void) in section ".text", a.bpf.c:
// EXPECT-ERROR: link-duplicate "number" is defined more than once
// EXPECT-ERROR: link-duplicate "prog" is defined more than once
// LINK: b a
// EXPECT-ERROR: link-duplicate a.bpf.o: "value" is defined more than once
// EXPECT-ERROR: link-duplicate "number" is defined more than once
// EXPECT-ERROR: link-duplicate "prog" is defined more than once
// LINK: weak a
// EXPECT-RUN: prog 12
#include "../case.h"

int number = 5;

__noinline int value(void)
{
	return number;
}

PROGRAM prog(CONTEXT)
{
	return value() + 7;
}

LICENSE("Dual MIT/GPL");
