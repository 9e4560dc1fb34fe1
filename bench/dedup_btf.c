/* libbpf's own time for parsing and deduplicating the types in a file, in nanoseconds; then types before and after. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <bpf/btf.h>

static long long now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000000LL + at.tv_nsec;
}

int main(int argc, char **argv)
{
	static char bytes[64 << 20];
	FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
	long long start = now();
	struct btf *btf = size > 0 ? btf__new(bytes, size) : NULL;
	unsigned int before = btf ? btf__type_cnt(btf) - 1 : 0;

	if (!btf || btf__dedup(btf, NULL))
		return 1;
	printf("%lld %u %u\n", now() - start, before, btf__type_cnt(btf) - 1);
	return 0;
}
