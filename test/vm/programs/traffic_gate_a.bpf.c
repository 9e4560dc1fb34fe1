// SPDX-License-Identifier: MIT
#define VERSION 0
#include "traffic_gate.h"
