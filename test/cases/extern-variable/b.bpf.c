#include "../case.h"

int padding_data = 100;
int initialised = 30;
__u64 padding_bss;
__u64 zeroed;
const volatile char padding_rodata = 100;
const volatile __u16 constant = 5;

LICENSE("Dual MIT/GPL");
