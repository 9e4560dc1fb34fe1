// CASE: a prototype that disagrees with the definition is refused, with both prototypes
// LINK-ANY-ORDER: a b
// EXPECT-ERROR: link-type-mismatch "parameter_type" does not agree
// EXPECT-ERROR: link-type-mismatch "parameter_count" does not agree
// EXPECT-ERROR: link-type-mismatch "result_type" does not agree
#include "../case.h"

struct pair {
	int left, right;
};

extern int parameter_type(long number);
extern int parameter_count(int left, int right);
extern long result_type(void);
/* The same for the linker: names of parameters, typedefs, const, and what a pointer points to by name. */
extern int same(__u32 count, const struct pair *pair);

PROGRAM prog(CONTEXT)
{
	struct pair pair = { 1, 2 };

	return parameter_type(1) + parameter_count(1, 2) + result_type() + same(1, &pair);
}

LICENSE("Dual MIT/GPL");
