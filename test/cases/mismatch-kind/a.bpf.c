// CASE: a name that is a function in one file and a variable or a map in the other is refused
// LINK-ANY-ORDER: a b
// EXPECT-ERROR: link-kind-mismatch "function_or_variable"
// EXPECT-ERROR: link-kind-mismatch "variable_or_map"
#include "../case.h"

extern int function_or_variable(void);
extern int variable_or_map;

PROGRAM prog(CONTEXT)
{
	return function_or_variable() + variable_or_map;
}

LICENSE("Dual MIT/GPL");
