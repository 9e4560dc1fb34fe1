#include "../case.h"

/* Loses to the strong definition, whose aliases stay. */
__attribute__((weak)) int number = 77;

LICENSE("Dual MIT/GPL");
