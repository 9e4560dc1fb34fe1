/**
 * Programs made at random from small pieces of C: two or three files that belong together and use what linkers must get
 * right. The same seed gives the same text.
 *
 * Every piece adds declarations to some files, and expressions of type int that those files may use. In the end each
 * file gets programs that fold a choice of its expressions into the value that they return, so that a wrong call or a
 * wrong address of data shows in that value.
 */

import type { SeededRandom } from '../hostile/random.ts';

export interface SourceSet {
  readonly seed: number;
  /** C text of each file, without its name. */
  readonly units: readonly string[];
  /** Names of the pieces that it is made of, for messages. */
  readonly pieces: readonly string[];
}

/** Included by all files: types that refer to one another in circles and all kinds of types there are. */
export const SHARED_HEADER = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type) *)0, 0)
#define NOINLINE __attribute__((noinline))
typedef unsigned int u32;
typedef u32 word;
typedef word index_t;
typedef const volatile index_t *index_ptr;
enum colour { RED, GREEN = 5, BLUE = -1 };
enum wide { SMALL = 1, LARGE = 0x100000001ULL };
struct leaf;
struct node {
  struct node *next;
  struct leaf *leaf;
  enum colour colour;
  u32 low : 3, middle : 7, high : 22;
  union { int number; char bytes[4]; struct { short a, b; }; };
};
#ifdef KNOWS_LEAF
struct leaf { struct node *owner; index_t indexes[4]; double *unknown; };
#endif
struct point { int x; int y; struct node node; };
typedef int (*callback_t)(struct node *, const struct point *);
struct operations { callback_t run; void (*stop)(void); enum wide *wide; };
struct kernel_thing { int first; int second; struct { long deep; } inner; } __attribute__((preserve_access_index));
`;

/** One file while it is made. */
interface Unit {
  readonly number: number;
  readonly lines: string[];
  readonly terms: string[];
}

class Draft {
  readonly random: SeededRandom;
  readonly units: readonly Unit[];
  #names = 0;

  constructor(random: SeededRandom, units: readonly Unit[]) {
    this.random = random;
    this.units = units;
  }

  /** A new name, the same in all files. */
  name(stem: string): string {
    this.#names++;
    return `${stem}${this.#names}`;
  }

  unit(): Unit {
    return this.random.pick(this.units);
  }

  others(unit: Unit): readonly Unit[] {
    return this.units.filter(other => other !== unit);
  }

  number(): number {
    return 1 + this.random.below(1000);
  }

  chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }
}

type Piece = (draft: Draft) => void;

const PIECES: Readonly<Record<string, Piece>> = {
  globalFunction(draft) {
    const [home, name] = [draft.unit(), draft.name('call')];
    const hidden = draft.chance(30) ? '__hidden ' : '';
    const body = `{ ${barrier('a')} return a * ${draft.number()} + ${draft.number()}; }`;
    home.lines.push(`${hidden}NOINLINE int ${name}(int a) ${body}`);
    home.terms.push(`${name}(acc)`);
    for (const other of draft.others(home)) {
      if (draft.chance(40)) continue;
      other.lines.push(`extern ${draft.chance(20) ? '__weak ' : ''}int ${name}(int a);`);
      other.terms.push(`${name}(acc + ${draft.number()})`);
    }
  },

  pointerFunction(draft) {
    const [home, name] = [draft.unit(), draft.name('point')];
    home.lines.push(
      `NOINLINE int ${name}(struct point *p) { if (!p) return ${draft.number()}; return p->x * 3 + p->y + p->node.middle; }`,
    );
    for (const unit of draft.units) {
      if (unit !== home) unit.lines.push(`extern int ${name}(struct point *p);`);
      const local = draft.name('use_point');
      unit.lines.push(
        `static NOINLINE int ${local}(int a) { struct point p = { .x = a, .y = ${draft.number()}, .node = { .middle = a & 7 } }; return ${name}(&p); }`,
      );
      unit.terms.push(`${local}(acc)`);
    }
  },

  weakAndStrong(draft) {
    const name = draft.name('weak');
    const strong = draft.chance(70) ? draft.unit() : undefined;
    let defined = false;
    for (const unit of draft.units) {
      const [body, sort] = [`{ ${barrier('a')} return a + ${draft.number()}; }`, draft.random.below(3)];
      if (unit === strong) unit.lines.push(`NOINLINE int ${name}(int a) ${body}`);
      else if (sort > 0 || (strong === undefined && !defined))
        unit.lines.push(`__weak NOINLINE int ${name}(int a) ${body}`);
      else unit.lines.push(`extern int ${name}(int a);`);
      defined ||= unit === strong || sort > 0 || strong === undefined;
      unit.terms.push(`${name}(acc)`);
    }
  },

  staticFunctions(draft) {
    const name = draft.random.pick(['helper', 'work', 'step']);
    for (const unit of draft.units) {
      if (unit.lines.some(line => line.includes(` ${name}(`))) continue;
      const inner = `${name}_inner`;
      unit.lines.push(
        `static NOINLINE int ${inner}(int a) { ${barrier('a')} return a ^ ${draft.number()}; }`,
        `static NOINLINE int ${name}(int a) { return ${inner}(a + ${draft.number()}) + ${inner}(a); }`,
      );
      unit.terms.push(`${name}(acc)`, `${inner}(acc)`);
    }
  },

  callback(draft) {
    for (const unit of draft.units) {
      if (draft.chance(40)) continue;
      const name = draft.chance(50) ? 'each' : draft.name('each');
      if (unit.lines.some(line => line.includes(` ${name}(`))) continue;
      unit.lines.push(
        `static int ${name}(u32 index, int *sum) { *sum += index * ${draft.number()}; return 0; }`,
        `static NOINLINE int loop_${name}(int a) { int sum = a; bpf_loop(${2 + draft.random.below(6)}, ${name}, &sum, 0); return sum; }`,
      );
      unit.terms.push(`loop_${name}(acc)`);
    }
  },

  globalVariable(draft) {
    const [home, name] = [draft.unit(), draft.name('number')];
    const form = draft.random.pick(VARIABLE_FORMS);
    home.lines.push(form.define(name, draft.number()));
    home.terms.push(form.use(name));
    for (const other of draft.others(home)) {
      if (draft.chance(40)) continue;
      other.lines.push(form.declare(name));
      other.terms.push(form.use(name));
    }
  },

  weakVariable(draft) {
    const name = draft.name('value');
    const strong = draft.unit();
    for (const unit of draft.units) {
      const weak = unit === strong ? '' : '__weak ';
      if (unit !== strong && draft.chance(40)) unit.lines.push(`extern int ${name};`);
      else unit.lines.push(`${weak}int ${name} SEC(".data.weak") = ${draft.number()};`);
      unit.terms.push(`${name}++`);
    }
  },

  staticVariables(draft) {
    for (const unit of draft.units) {
      const name = draft.chance(50) ? 'state' : draft.name('state');
      if (unit.lines.some(line => line.includes(` ${name} `) || line.includes(` ${name}_table`))) continue;
      unit.lines.push(
        `static int ${name} = ${draft.number()};`,
        `static const int ${name}_table[4] = { ${draft.number()}, ${draft.number()}, ${draft.number()}, 4 };`,
        `static long ${name}_zero;`,
        `static NOINLINE int use_${name}(int a) { ${name} += a; ${name}_zero += ${name}; return ${name}_table[a & 3] + ${name}_zero; }`,
      );
      unit.terms.push(`use_${name}(acc)`);
    }
  },

  map(draft) {
    const [home, name] = [draft.unit(), draft.name('map')];
    const array = draft.chance(50);
    const definition = `struct { __uint(type, ${array ? 'BPF_MAP_TYPE_ARRAY' : 'BPF_MAP_TYPE_HASH'}); __uint(max_entries, ${1 + draft.random.below(64)}); __type(key, u32); __type(value, struct point); } ${name} SEC(".maps");`;
    for (const unit of draft.units) {
      if (unit !== home && draft.chance(40)) continue;
      unit.lines.push(
        unit === home ? definition : `extern ${definition}`,
        `static NOINLINE int use_${name}(int a) { u32 key = 0; struct point *p = bpf_map_lookup_elem(&${name}, &key); if (!p) return ${draft.number()}; p->y += a; return p->y + ${draft.number()}; }`,
      );
      unit.terms.push(`use_${name}(acc)`);
    }
  },

  programArray(draft) {
    const [home, name] = [draft.unit(), draft.name('jumps')];
    const target = draft.name('target');
    home.lines.push(
      `SEC("tc") int ${target}(struct __sk_buff *ctx) { return ${draft.number()}; }`,
      `struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(struct __sk_buff *)); } ${name} SEC(".maps") = { .values = { [1] = (void *)&${target} } };`,
    );
  },

  strings(draft) {
    for (const unit of draft.units) {
      const name = draft.name('say');
      const text = draft.random.pick(['common text', 'another', 'last of them', 'x']);
      unit.lines.push(
        `static NOINLINE int ${name}(int a) { bpf_trace_printk("${text}", ${text.length + 1}); return a + ${draft.number()}; }`,
      );
      unit.terms.push(`${name}(acc)`);
    }
  },

  longString(draft) {
    const unit = draft.unit();
    const name = draft.name('tell');
    unit.lines.push(
      `static NOINLINE int ${name}(int a) { bpf_printk("number %d in ${name}", a); return a; }`,
    );
    unit.terms.push(`${name}(acc)`);
  },

  coreRecords(draft) {
    for (const unit of draft.units) {
      const name = draft.name('core');
      unit.lines.push(
        `static NOINLINE int ${name}(int a) { struct kernel_thing *t = 0; ${barrier('a')} return a + __builtin_preserve_field_info(t->${draft.random.pick(['first', 'second', 'inner.deep'])}, ${draft.random.pick([0, 2])}) * 0 + __builtin_preserve_type_info(*(struct kernel_thing *)0, 0); }`,
      );
      unit.terms.push(`${name}(acc)`);
    }
  },

  typeIds(draft) {
    for (const unit of draft.units) {
      const [name, own] = [draft.name('ids'), draft.name('only_here')];
      unit.lines.push(
        `struct ${own} { int ${own}_member; struct point point; };`,
        `static NOINLINE int ${name}(int a) { ${barrier('a')} return a + (bpf_core_type_id_local(struct ${own}) ? 3 : 0) + (bpf_core_type_id_local(struct node) ? 5 : 0); }`,
      );
      unit.terms.push(`${name}(acc)`);
    }
  },

  types(draft) {
    const unit = draft.unit();
    const [name, own] = [draft.name('types'), draft.name('private')];
    const define = draft.chance(50);
    if (define) unit.lines.unshift('#define KNOWS_LEAF');
    unit.lines.push(
      `struct ${own} { struct operations *operations; index_ptr indexes[3]; ${define ? 'struct leaf leaf;' : 'struct leaf *leaf;'} enum wide wide; struct ${own} *self; };`,
      `struct ${own} ${name} SEC(".data.${draft.random.pick(['extra', 'more'])}") = { .wide = LARGE };`,
    );
    unit.terms.push(`(int)${name}.wide`);
  },

  tags(draft) {
    const [home, name] = [draft.unit(), draft.name('tagged')];
    home.lines.push(
      `struct ${name}_s { int member __attribute__((btf_decl_tag("tag_of_member"))); int __attribute__((btf_type_tag("tag_of_type"))) *pointer; } __attribute__((btf_decl_tag("tag_of_struct")));`,
      `struct ${name}_s ${name} = { .member = ${draft.number()} };`,
    );
    home.terms.push(`${name}.member`);
  },

  pointers(draft) {
    const [home, name] = [draft.unit(), draft.name('pointers')];
    home.lines.push(
      `int ${name}_target[4] = { ${draft.number()}, 2, 3, 4 };`,
      `int *${name}[2] SEC(".data.pointers") = { &${name}_target[2], &${name}_target[0] };`,
    );
    home.terms.push(`${name}_target[acc & 3]`);
  },
};

interface VariableForm {
  readonly define: (name: string, value: number) => string;
  readonly declare: (name: string) => string;
  readonly use: (name: string) => string;
}

const VARIABLE_FORMS: readonly VariableForm[] = [
  {
    define: (name, value) => `int ${name} = ${value};`,
    declare: name => `extern int ${name};`,
    use: name => `(${name} += 3)`,
  },
  {
    define: name => `long ${name};`,
    declare: name => `extern long ${name};`,
    use: name => `(int)(${name} += acc)`,
  },
  {
    define: (name, value) => `const volatile int ${name} = ${value};`,
    declare: name => `extern const volatile int ${name};`,
    use: name => name,
  },
  {
    define: (name, value) => `short ${name}[3] SEC(".data.extra") = { 1, ${value}, 3 };`,
    declare: name => `extern short ${name}[3];`,
    use: name => `${name}[acc & 1]`,
  },
  {
    define: (name, value) => `struct point ${name} SEC(".data.extra") = { .x = ${value}, .node.low = 5 };`,
    declare: name => `extern struct point ${name};`,
    use: name => `(${name}.x + ${name}.node.low)`,
  },
  {
    define: (name, value) => `const struct point ${name} SEC(".rodata.extra") = { .y = ${value} };`,
    declare: name => `extern const struct point ${name};`,
    use: name => `${name}.y`,
  },
  {
    define: (name, value) => `char ${name}[16] __attribute__((aligned(16))) = "${value}";`,
    declare: name => `extern char ${name}[16];`,
    use: name => `${name}[acc & 1]`,
  },
];

/** Makes the compiler forget what it knows. */
function barrier(name: string): string {
  return `asm volatile("" : "+r"(${name}));`;
}

/** A set of files; `random` must be fresh from `seed`. */
export function makeSources(seed: number, random: SeededRandom): SourceSet {
  const count = random.below(3) === 0 ? 3 : 2;
  const units = Array.from({ length: count }, (_, number): Unit => ({ number, lines: [], terms: [] }));
  const draft = new Draft(random, units);
  const names = Object.keys(PIECES);
  const pieces = Array.from({ length: 3 + random.below(5) }, () => random.pick(names));
  for (const piece of pieces) PIECES[piece]?.(draft);
  for (const unit of units) addPrograms(draft, unit);
  const licensed = random.below(2) === 0 ? units : [random.pick(units)];
  for (const unit of licensed) unit.lines.push('char LICENSE[] SEC("license") = "GPL";');
  return { seed, units: units.map(textOf), pieces };
}

function addPrograms(draft: Draft, unit: Unit): void {
  const programs = 1 + draft.random.below(2);
  for (let number = 0; number < programs; number++) {
    const terms = unit.terms.filter(() => draft.chance(programs === 1 ? 100 : 60));
    const section = draft.random.pick(['tc', 'tc', 'socket', 'classifier']);
    const body = terms.map(term => `  acc = acc * 31 + ${term};`);
    unit.lines.push(
      `SEC("${section}") int program_${unit.number}_${number}(struct __sk_buff *ctx) {`,
      '  int acc = ctx->len;',
      ...body,
      '  return acc;',
      '}',
    );
  }
}

function textOf(unit: Unit): string {
  const defines = unit.lines.filter(line => line.startsWith('#'));
  const rest = unit.lines.filter(line => !line.startsWith('#'));
  return `${[...new Set(defines), '#include "shared.h"', ...rest].join('\n')}\n`;
}
