// CASE: pointers in data to static variables, globals and functions of the own and of another file
// LINK: a b
// LINK: b a
// EXPECT-REFERENCE: to_static_a -> target
// EXPECT-REFERENCE: to_element_a -> array_a+8
// EXPECT-REFERENCE: to_global_a -> global_b
// EXPECT-REFERENCE: to_function_a -> callee_a
// EXPECT-REFERENCE: to_static_b -> target
// EXPECT-REFERENCE: to_function_b -> callee
// EXPECT-DISTINCT: to_static_a to_static_b
// EXPECT-KERNEL-SKIP: loaders do not fill pointers in data
#include "../case.h"

static int before = 1;
static int target = 40;
static int array_a[4] = { 1, 2, 3, 4 };
extern int global_b;

static int callee_a(int number)
{
	return number + target + before;
}

int *to_static_a = &target;
int *to_element_a = &array_a[2];
int *to_global_a = &global_b;
int (*to_function_a)(int) = callee_a;

PROGRAM prog_a(CONTEXT)
{
	return *to_static_a + *to_element_a + *to_global_a;
}

LICENSE("Dual MIT/GPL");
