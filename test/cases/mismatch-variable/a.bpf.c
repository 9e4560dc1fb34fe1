// CASE: variables that disagree in type are refused; qualifiers, typedefs and signedness do not matter
// LINK-ANY-ORDER: a b
// EXPECT-ERROR: link-type-mismatch "size"
// EXPECT-ERROR: link-type-mismatch "record"
// EXPECT-ERROR: link-type-mismatch "pointer"
#include "../case.h"

struct record {
	__u32 first;
	__u32 second;
};

extern int size;
extern struct record record;
extern int *pointer;
extern volatile int same;

PROGRAM prog(CONTEXT)
{
	return size + record.second + (long)pointer + same;
}

LICENSE("Dual MIT/GPL");
