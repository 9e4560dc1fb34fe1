#include "../case.h"

int gpl = 1;

LICENSE("GPL");
