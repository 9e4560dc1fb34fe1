/* SPDX-License-Identifier: MIT */
/* What libbpf takes section names for: a line for each argument with program type and attach type, or "unknown". */
#include <bpf/libbpf.h>
#include <stdio.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

int main(int argc, char **argv)
{
	libbpf_set_print(quiet);
	for (int i = 1; i < argc; i++) {
		enum bpf_prog_type type;
		enum bpf_attach_type attach = 0;

		if (libbpf_prog_type_by_name(argv[i], &type, &attach))
			printf("unknown\n");
		else
			printf("%d %d\n", type, attach);
	}
	return 0;
}
