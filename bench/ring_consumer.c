/* SPDX-License-Identifier: MIT */
/* The peer of `bench:load`: libbpf fills the ring of the object and takes everything out. Prints nanoseconds. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned long long count, sum;

static int one(void *context, void *data, size_t size)
{
	count++;
	sum += *(unsigned long long *)data;
	return 0;
}

static unsigned long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long long want = strtoull(argv[2], NULL, 10), start, time;
	struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = want / 1000);
	struct ring_buffer *ring;

	if (!object || bpf_object__load(object))
		return 1;
	if (bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, "fill")), &run))
		return 2;
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"), one, NULL, NULL);
	if (!ring)
		return 3;
	start = now();
	ring_buffer__consume(ring);
	time = now() - start;
	if (count != want || sum != want * (want - 1) / 2)
		return 4;
	printf("%llu\n", time);
	return 0;
}
