// SPDX-License-Identifier: MIT
/* Programs that call what dynamic_provider.bpf.c defines. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	int first;
	int second;
};

extern int judge(struct xdp_md *ctx);
extern int sum(struct pair *pair, int more);
extern int cut(struct xdp_md *ctx);
extern int deep(struct xdp_md *ctx);
extern int calls;

SEC("xdp")
int judged(struct xdp_md *ctx)
{
	return judge(ctx);
}

SEC("xdp")
int summed(struct xdp_md *ctx)
{
	struct pair pair = { .first = 10, .second = 20 };

	return sum(&pair, 3) + judge(ctx);
}

SEC("xdp")
int shortened(struct xdp_md *ctx)
{
	int verdict = cut(ctx) * 100;
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	return data + 61 > end ? verdict + 60 : verdict;
}

/* 400 bytes here and as many behind the call. */
SEC("xdp")
int deepened(struct xdp_md *ctx)
{
	char room[400];

	room[0] = 5;
	room[399] = 1;
	asm volatile("" : : "r"(room) : "memory"); /* all of it is used */
	return deep(ctx) + room[0] + room[399];
}

SEC("xdp")
int counted(struct xdp_md *ctx)
{
	return calls;
}

char _license[] SEC("license") = "GPL";
