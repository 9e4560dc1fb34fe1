#include "../case.h"

int none = 1;
