#include "../case.h"

static __noinline int second(const char *text)
{
	HIDE(text);
	return text[1];
}

PROGRAM prog_b(CONTEXT)
{
	return ctx->len ? second("blackberry") : second("shared");
}

LICENSE("Dual MIT/GPL");
