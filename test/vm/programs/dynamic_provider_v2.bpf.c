// SPDX-License-Identifier: MIT
/* The next version of dynamic_provider.bpf.c. */
#define VERSION 2
#include "dynamic_provider.bpf.c"
