// SPDX-License-Identifier: MIT
#define VERSION 1
#include "traffic_gate.h"
