/* SPDX-License-Identifier: MIT */
/*
 * Whether libbpf opens the object on standard input: a line for each program and each map of the object, or the error.
 * Nothing is loaded.
 */
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST (16 << 20)

static char warnings[1 << 16];

static int keep(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t used = strlen(warnings);

	if (level == LIBBPF_WARN)
		vsnprintf(warnings + used, sizeof(warnings) - used, format, args);
	return 0;
}

static void show(const char *text)
{
	for (; text && *text; text++)
		putchar(isprint((unsigned char)*text) ? *text : '?');
	putchar(' ');
}

int main(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "fuzzed");
	char *bytes = malloc(MOST);
	struct bpf_program *program;
	struct bpf_object *object;
	struct bpf_map *map;
	size_t size;

	if (!bytes)
		return 2;
	size = fread(bytes, 1, MOST, stdin);
	libbpf_set_print(keep);
	object = bpf_object__open_mem(bytes, size, &options);
	if (!object) {
		printf("refused %d\n%s", errno, warnings);
		return 1;
	}
	bpf_object__for_each_program(program, object) {
		/* libbpf takes the only function of .text for a program */
		if (!strcmp(bpf_program__section_name(program), ".text"))
			continue;
		printf("program ");
		show(bpf_program__section_name(program));
		show(bpf_program__name(program));
		printf("%zu\n", bpf_program__insn_cnt(program));
	}
	bpf_object__for_each_map(map, object) {
		if (bpf_map__is_internal(map))
			continue;
		printf("map ");
		show(bpf_map__name(map));
		printf("%d %u %u %u %x\n", bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map),
		       bpf_map__max_entries(map), bpf_map__map_flags(map));
	}
	return 0;
}
