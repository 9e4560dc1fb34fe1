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
	return cut(ctx) * 100 + (ctx->data_end - ctx->data);
}

/* 400 bytes here and as many behind the call. */
SEC("xdp")
int deepened(struct xdp_md *ctx)
{
	volatile char room[400];

	room[0] = 5;
	room[399] = 1;
	return deep(ctx) + room[0] + room[399];
}

SEC("xdp")
int counted(struct xdp_md *ctx)
{
	return calls;
}

char _license[] SEC("license") = "GPL";
