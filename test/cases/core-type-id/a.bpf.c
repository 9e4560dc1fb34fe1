// CASE: local type ids in code follow their types through the merge (checked for every case; here they are many)
// LINK: a b
// LINK: b a
// EXPECT-TYPE-IDS: prog_a only_a shared
// EXPECT-TYPE-IDS: prog_b only_b shared
// EXPECT-TYPE-IDS: in_text shared
// EXPECT-KERNEL-SKIP: the ids depend on the order of types
#include "../case.h"
#include <bpf/bpf_core_read.h>

struct shared {
	int number;
};

struct only_a {
	long first;
	struct shared second;
};

extern int in_text(void);

PROGRAM prog_a(CONTEXT)
{
	return bpf_core_type_id_local(struct only_a) * 1000 + bpf_core_type_id_local(struct shared) + in_text();
}

LICENSE("Dual MIT/GPL");
