// CASE: components of a re-link keep their own functions, maps and variables though all names are the same
// RELINK: rootlet slot1=a:prog slot2=b:prog
// EXPECT-RUN: entry 155
// EXPECT-NO-SYMBOL: unused
// EXPECT-PROGRAMS: entry
// RELINK: rootlet slot1=b:prog slot2=a:prog
// EXPECT-RUN: entry 155
// RELINK: rootlet slot2=a
// EXPECT-SYMBOL: slot1 section=.text
// EXPECT-RUN: entry 44
// RELINK: rootlet
// EXPECT-RUN: entry 3
// RELINK: rootlet slot1=a:prog slot2=a:prog
// EXPECT-RUN: entry 92
// RELINK: rootlet slot3=a
// EXPECT-ERROR: relink-no-slot "slot3"; there are: "slot1", "slot2"
// RELINK: rootlet entry=a
// EXPECT-ERROR: relink-no-slot is a program of the rootlet
// RELINK: rootlet slot1=a slot1=b
// EXPECT-ERROR: relink-slot-twice slot "slot1" is filled twice
// RELINK: rootlet slot1=a:prgo
// EXPECT-ERROR: relink-no-program "prog"
// RELINK: rootlet slot1=two
// EXPECT-ERROR: relink-which-program there are: "one", "other"
// RELINK: rootlet slot1=wrong
// EXPECT-ERROR: relink-prototype int slot1(struct __sk_buff *ctx)
// RELINK: rootlet slot1=xdp
// EXPECT-ERROR: relink-prototype int prog(struct xdp_md *ctx)
// RELINK: rootlet slot1=socket
// EXPECT-ERROR: relink-program-type section "socket"
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
