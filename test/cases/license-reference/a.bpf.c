// CASE: code that reads the license text still finds it when the text of another file is kept
// LINK: a b
// EXPECT-REFERENCE: prog_a -> license_a
// EXPECT-REFERENCE: prog_b -> license_a
// LINK: b a
// EXPECT-REFERENCE: prog_a -> license_b
// EXPECT-REFERENCE: prog_b -> license_b
#include "../case.h"

char license_a[] SEC("license") = "Dual MIT/GPL";

PROGRAM prog_a(CONTEXT)
{
	return *(volatile char *)license_a;
}
