// CASE: GPL-compatible licenses combine; others must be the same in all files
// LINK: a gpl
// LINK: gpl a
// EXPECT-LICENSE: GPL
// EXPECT-RUN: prog 42
// LINK: a same
// EXPECT-LICENSE: Dual MIT/GPL
// LINK: a none
// LINK: none a
// EXPECT-LICENSE: Dual MIT/GPL
// LINK: a proprietary
// EXPECT-ERROR: link-license license "Proprietary" cannot be combined with "Dual MIT/GPL" of a.bpf.o
// LINK: proprietary gpl
// EXPECT-ERROR: link-license license "GPL" cannot be combined with "Proprietary" of proprietary.bpf.o
#include "../case.h"

PROGRAM prog(CONTEXT)
{
	return 42;
}

LICENSE("Dual MIT/GPL");
