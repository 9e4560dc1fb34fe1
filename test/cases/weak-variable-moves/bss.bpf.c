#include "../case.h"

volatile int moved;

LICENSE("Dual MIT/GPL");
