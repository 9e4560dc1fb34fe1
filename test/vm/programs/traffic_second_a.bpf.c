// SPDX-License-Identifier: MIT
#define SLOT 2
#define VERSION 0
#include "traffic_part.h"
