#include "../case.h"

int shared = 40;

LICENSE("Dual MIT/GPL");
