// SPDX-License-Identifier: MIT
#define SLOT 1
#define VERSION 1
#include "traffic_part.h"
