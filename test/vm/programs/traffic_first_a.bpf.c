// SPDX-License-Identifier: MIT
#define SLOT 1
#define VERSION 0
#include "traffic_part.h"
