#include "../case.h"

int proprietary = 1;

LICENSE("Proprietary");
