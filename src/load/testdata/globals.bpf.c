// SPDX-License-Identifier: MIT
/* Globals of every kind that user space reads and writes by name. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum color { RED, GREEN = 5, BLUE = -1 };

struct point {
	short x, y;
	unsigned flags : 3;
	int small : 5;
	struct {
		char name[6];
		enum color color;
	} inner;
};

const volatile int limit = 10;
const volatile struct point start = { 1, -2, 5, -3, { "abc", BLUE } };
const volatile _Bool enabled = 1;

unsigned char byte = 200;
unsigned short word = 60000;
unsigned long long wide = 1ULL << 40;
int numbers[3] = { 1, 2, 3 };
char text[8] = "hello";
enum color color = GREEN;
struct point place = { 3, 4 };
double unused_float = 1.5;

int counter;
long total;
static volatile int hidden;

SEC("xdp")
int run(struct xdp_md *ctx)
{
	counter++;
	total += limit;
	hidden += 3;
	place.x = counter;
	numbers[2] += byte;
	return enabled ? limit : -1;
}

SEC("xdp")
int sum(struct xdp_md *ctx)
{
	return byte + word + (wide >> 40) + start.flags + start.small + color;
}

char _license[] SEC("license") = "GPL";
