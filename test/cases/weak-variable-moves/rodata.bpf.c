#include "../case.h"

volatile int moved SEC(".rodata") = 12;

LICENSE("Dual MIT/GPL");
