#include "../case.h"

int before = 8;
volatile int moved __weak = 7;
int after = 16;
int tail = 100; /* nobody uses it, but a link drops nothing of its own accord */

LICENSE("Dual MIT/GPL");
