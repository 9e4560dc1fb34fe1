#include "../case.h"
#include <bpf/bpf_core_read.h>

struct only_b {
	char text[16];
};

struct shared {
	int number;
};

int in_text(void)
{
	return bpf_core_type_id_local(struct shared);
}

PROGRAM prog_b(CONTEXT)
{
	return bpf_core_type_id_local(struct only_b) * 1000 + bpf_core_type_id_local(struct shared);
}

LICENSE("Dual MIT/GPL");
