// CASE: arena variables (address space 1) link like others, extern ones too
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: arena_shared kind=variable section=.addr_space.1 from=b
// EXPECT-SYMBOL: arena_own kind=variable section=.addr_space.1 from=a
// EXPECT-REFERENCE: prog -> arena_shared
// EXPECT-KERNEL-SKIP: needs a loader that knows arenas
#include "../case.h"

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA, newer than the headers */
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 10);
} arena SEC(".maps");

extern int __arena arena_shared SEC(".addr_space.1");
int __arena arena_own SEC(".addr_space.1") = 7;

PROGRAM prog(CONTEXT)
{
	void *map = &arena;

	HIDE(map);
	return arena_shared + arena_own;
}

LICENSE("Dual MIT/GPL");
