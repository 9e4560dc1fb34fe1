// CASE: a component keeps the programs that it tail-calls, its callbacks and its strings; the others go
// RELINK: rootlet slot1=a:prog slot2=b:prog
// EXPECT-PROGRAMS: entry a_target b_target
// EXPECT-NO-SYMBOL: unused
// EXPECT-RUN: entry 145
// EXPECT-LIBBPF-SKIP: bpftool lets go of the program arrays, which empties them
// RELINK: rootlet slot1=b:prog
// EXPECT-PROGRAMS: entry b_target
// EXPECT-RUN: entry 102
// EXPECT-LIBBPF-SKIP: bpftool lets go of the program arrays, which empties them
// RELINK: rootlet slot1=missing
// EXPECT-ERROR: link-undefined missing.bpf.o: "nowhere" is not defined in any input
// RELINK: rootlet slot1=missing slot2=provides
// EXPECT-ERROR: link-undefined missing.bpf.o: "nowhere" is not defined in any input
#include "../case.h"

__weak __noinline int slot1(CONTEXT)
{
	volatile int verdict = 1;

	return ctx ? verdict : 0;
}

__weak __noinline int slot2(CONTEXT)
{
	volatile int verdict = 2;

	return ctx ? verdict : 0;
}

PROGRAM entry(CONTEXT)
{
	return slot1(ctx) + slot2(ctx);
}

LICENSE("Dual MIT/GPL");
