#include "../case.h"

int same = 1;

char other_name[] SEC("license") = "Dual MIT/GPL";
