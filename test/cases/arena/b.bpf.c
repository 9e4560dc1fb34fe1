#include "../case.h"

#define __arena __attribute__((address_space(1)))

long __arena arena_before SEC(".addr_space.1") = 1;
int __arena arena_shared SEC(".addr_space.1") = 35;

LICENSE("Dual MIT/GPL");
