// SPDX-License-Identifier: MIT
/* An arena with variables of its own. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define __arena __attribute__((address_space(1)))
struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA, newer than the headers */
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 10);
} arena SEC(".maps");

int __arena first SEC(".addr_space.1") = 7;
long __arena second SEC(".addr_space.1") = 35;
int __arena counter SEC(".addr_space.1");

SEC("syscall")
int add(void *ctx)
{
	void *map = &arena;

	asm volatile("" : "+r"(map));
	counter += 1;
	return first + second;
}

char _license[] SEC("license") = "GPL";
