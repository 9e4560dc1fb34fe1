/* SPDX-License-Identifier: MIT */
/*
 * What libbpf makes of an object, as JSON: instructions after relocation, and what the kernel says of the programs and
 * maps that came of them. Nothing stays behind.
 *
 *   oracle OBJECT PIN_FOLDER [BTF_FILE [KCONFIG_FILE]]      "-" stands for "none"
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char log_text[1 << 20];
static unsigned btf_id;

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t used = strlen(log_text);

	if (level == LIBBPF_WARN)
		vsnprintf(log_text + used, sizeof(log_text) - used, format, args);
	return 0;
}

static void hex(const char *name, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	printf("\"%s\":\"", name);
	for (size_t i = 0; i < length; i++)
		printf("%02x", bytes[i]);
	printf("\"");
}

/* The types that the kernel has for the object. */
static void show_types(unsigned id)
{
	struct btf *btf = id ? btf__load_from_kernel_by_id(id) : NULL;
	const void *bytes;
	unsigned size = 0;

	bytes = btf ? btf__raw_data(btf, &size) : NULL;
	hex("btf", bytes, size);
	btf__free(btf);
}

static void show_program(const struct bpf_program *program)
{
	struct bpf_prog_info info = {};
	unsigned length = sizeof(info), ids[64];
	int fd = bpf_program__fd(program);

	info.nr_map_ids = 64;
	info.map_ids = (unsigned long)ids;
	printf("{\"name\":\"%s\",\"loaded\":%s,", bpf_program__name(program), fd < 0 ? "false" : "true");
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length)) {
		hex("tag", info.tag, sizeof(info.tag));
		printf(",\"type\":%u,\"kernelName\":\"%s\",\"functions\":%u,\"lines\":%u,\"maps\":[",
		       info.type, info.name, info.nr_func_info, info.nr_line_info);
		for (unsigned i = 0; i < info.nr_map_ids; i++)
			printf("%s%u", i ? "," : "", ids[i]);
		printf("],");
		btf_id = info.btf_id;
	}
	hex("insns", bpf_program__insns(program), bpf_program__insn_cnt(program) * 8);
	printf("}");
}

static void show_map(const struct bpf_map *map)
{
	struct bpf_map_info info = {};
	unsigned length = sizeof(info);
	int fd = bpf_map__fd(map);
	size_t size = 0;
	const void *initial = bpf_map__initial_value((struct bpf_map *)map, &size);

	printf("{\"name\":\"%s\"", bpf_map__name(map));
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length))
		printf(",\"id\":%u,\"kernelName\":\"%s\",\"type\":%u,\"keySize\":%u,\"valueSize\":%u,"
		       "\"maxEntries\":%u,\"flags\":%u,\"mapExtra\":%llu,\"keyType\":%u,\"valueType\":%u",
		       info.id, info.name, info.type, info.key_size, info.value_size, info.max_entries,
		       info.map_flags, info.map_extra, info.btf_key_type_id, info.btf_value_type_id);
	if (initial && size) {
		unsigned char *value = malloc(size);
		int zero = 0;

		printf(",");
		hex("value", fd >= 0 && !bpf_map_lookup_elem(fd, &zero, value) ? value : initial, size);
	}
	printf("}");
}

static const char *given(int argc, char **argv, int index)
{
	return index < argc && strcmp(argv[index], "-") ? argv[index] : NULL;
}

static char *text_of(const char *path)
{
	static char text[1 << 16];
	FILE *file = path ? fopen(path, "r") : NULL;

	if (!file)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	return text;
}

static struct bpf_object *object_of(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = given(argc, argv, 2),
		    .btf_custom_path = given(argc, argv, 3), .kconfig = text_of(given(argc, argv, 4)));

	return bpf_object__open_file(argv[1], &options);
}

static void show_log(void)
{
	hex("log", log_text, strlen(log_text));
	log_text[0] = 0;
}

/* Loads the object once for each program, with that program only; a line for each. */
static int show_each(int argc, char **argv)
{
	struct bpf_object *object = object_of(argc, argv);
	const struct bpf_program *program = NULL;
	static char names[4096][256];
	unsigned count = 0;

	while (object && (program = bpf_object__next_program(object, (void *)program)) && count < 4096)
		snprintf(names[count++], sizeof(names[0]), "%s", bpf_program__name(program));
	bpf_object__close(object);
	for (unsigned i = 0; i < count; i++) {
		struct bpf_program *wanted = NULL, *other;
		int error;

		object = object_of(argc, argv);
		for (other = NULL; (other = bpf_object__next_program(object, other));) {
			int same = !strcmp(bpf_program__name(other), names[i]);

			bpf_program__set_autoload(other, same);
			if (same)
				wanted = other;
		}
		error = bpf_object__load(object);
		printf("{\"error\":%d,\"program\":", -error);
		show_program(wanted);
		printf(",");
		show_log();
		printf("}\n");
		bpf_object__close(object);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct bpf_program *program;
	const struct bpf_map *map;
	struct bpf_object *object;
	int error, first = 1;

	libbpf_set_print(keep_log);
	if (getenv("ORACLE_EACH"))
		return show_each(argc, argv);
	object = object_of(argc, argv);
	if (!object) {
		printf("{\"error\":%d,\"programs\":[],\"maps\":[],\"btf\":\"\",", errno);
		show_log();
		printf("}\n");
		return 0;
	}
	/* All programs, also those of sections with "?". */
	for (program = NULL; (program = bpf_object__next_program(object, (void *)program));)
		if (getenv("ORACLE_ALL"))
			bpf_program__set_autoload((struct bpf_program *)program, true);
	error = bpf_object__load(object);
	printf("{\"error\":%d,\"programs\":[", -error);
	for (program = NULL; (program = bpf_object__next_program(object, (void *)program)); first = 0) {
		printf("%s", first ? "" : ",");
		show_program(program);
	}
	printf("],\"maps\":[");
	for (first = 1, map = NULL; (map = bpf_object__next_map(object, (void *)map)); first = 0) {
		printf("%s", first ? "" : ",");
		show_map(map);
	}
	printf("],");
	show_types(btf_id);
	printf(",");
	show_log();
	printf("}\n");
	bpf_object__close(object);
	return 0;
}
