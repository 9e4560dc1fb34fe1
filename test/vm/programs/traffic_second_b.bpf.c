// SPDX-License-Identifier: MIT
#define SLOT 2
#define VERSION 1
#include "traffic_part.h"
