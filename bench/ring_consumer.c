/* SPDX-License-Identifier: MIT */
/*
 * The peer of `bench:load` for ring buffers, by libbpf. Prints nanoseconds of processor time.
 *
 *   ring_consumer full OBJECT COUNT     fills a ring with the program `fill`, then takes everything out
 *   ring_consumer live RING_PIN COUNT   takes out what somebody else sends, from the first event on
 *   ring_consumer send PROGRAM_PIN COUNT   sends: runs the program until it has sent that many
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static unsigned long long count, next_number, wrong;

static int one(void *context, void *data, size_t size)
{
	unsigned long long number = *(unsigned long long *)data;

	if (count++ && number != next_number)
		wrong++;
	next_number = number + 1;
	return 0;
}

static unsigned long long now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* Runs a program of 1000 events. */
static int run(int program, unsigned long long events)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = events / 1000);

	return bpf_prog_test_run_opts(program, &options);
}

static struct ring_buffer *filled(const char *path, unsigned long long want)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);

	if (!object || bpf_object__load(object))
		return NULL;
	if (run(bpf_program__fd(bpf_object__find_program_by_name(object, "fill")), want))
		return NULL;
	return ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"), one, NULL, NULL);
}

int main(int argc, char **argv)
{
	unsigned long long want = strtoull(argv[3], NULL, 10), start;
	int live = !strcmp(argv[1], "live");
	struct ring_buffer *ring;

	if (!strcmp(argv[1], "send")) {
		int program = bpf_obj_get(argv[2]);

		for (unsigned long long sent = 0; sent < want; sent += 10000)
			if (run(program, 10000))
				return 1;
		return 0;
	}
	ring = live ? ring_buffer__new(bpf_obj_get(argv[2]), one, NULL, NULL) : filled(argv[2], want);
	if (!ring)
		return 2;
	if (live) {
		printf("ready\n");
		fflush(stdout);
		while (!count)
			ring_buffer__poll(ring, 100);
	}
	start = now(live ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID);
	do
		live ? ring_buffer__poll(ring, 100) : ring_buffer__consume(ring);
	while (live && count < want);
	start = now(live ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID) - start;
	if (count != want || wrong)
		return 3;
	printf("%llu\n", start);
	return 0;
}
