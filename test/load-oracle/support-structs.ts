/** Random C: a program that asks about the fields of structs, and targets whose structs are others of the same names. */

export type Random = (below: number) => number;

/** A field by what it is; how it is written follows from that. */
interface Field {
  readonly name: string;
  readonly type: string;
  /** Behind the name: `[4]`, ` : 3`. */
  readonly suffix: string;
  /** How it is read: after the name. */
  readonly path: string;
}

const SCALARS = [
  'char',
  'unsigned char',
  'short',
  'unsigned short',
  'int',
  'unsigned int',
  'long',
  'unsigned long',
  '_Bool',
];

const PRELUDE = `
#define SEC(name) __attribute__((section(name), used))
#define RELOCATABLE __attribute__((preserve_access_index))
#define field(place, what) __builtin_preserve_field_info(place, what)
#define about(t, what) __builtin_preserve_type_info(*(typeof(t) *)0, what)
#define enumerator(e, v, what) __builtin_preserve_enum_value(*(typeof(e) *)v, what)
`;

function pick<T>(random: Random, list: readonly T[], otherwise: T): T {
  return list[random(list.length)] ?? otherwise;
}

function randomField(random: Random, index: number): Field {
  const name = `f${index}`;
  const scalar = pick(random, SCALARS, 'int');
  switch (random(9)) {
    case 0:
      return { name, type: scalar, suffix: `[${1 + random(6)}]`, path: '[0]' };
    case 1:
      return { name, type: 'struct inner', suffix: '', path: pick(random, ['.a', '.b', '.c'], '.a') };
    case 2:
      return { name, type: 'struct inner *', suffix: '', path: '' };
    case 3:
      return {
        name,
        type: pick(random, ['int', 'unsigned int', 'long', 'unsigned char'], 'int'),
        suffix: ` : ${1 + random(7)}`,
        path: '',
      };
    case 4:
      return { name, type: 'enum kind', suffix: '', path: '' };
    case 5:
      return { name, type: 'number', suffix: '', path: '' };
    case 6:
      return {
        name,
        type: 'struct inner',
        suffix: `[${2 + random(3)}]`,
        path: `[1]${pick(random, ['.a', '.b'], '.a')}`,
      };
    default:
      return { name, type: scalar, suffix: '', path: '' };
  }
}

const declare = (field: Field) => `\t${field.type} ${field.name}${field.suffix};`;

export interface Round {
  readonly program: string;
  readonly target: string;
}

/** One program and one target for it. */
export function randomRound(random: Random): Round {
  const fields = Array.from({ length: 3 + random(6) }, (_, index) => randomField(random, index));
  return { program: programOf(random, fields), target: targetOf(random, fields) };
}

function programOf(random: Random, fields: readonly Field[]): string {
  const flavour = pick(random, ['', '', '___mine'], '');
  const thing = `struct thing${flavour}`;
  const programs: string[] = [];
  const add = (body: string) => {
    programs.push(`SEC("socket") long p${programs.length}(${thing} *thing) { ${body} }`);
  };
  for (const field of fields) {
    const place = `thing->${field.name}${field.path}`;
    // Of an element of an array loaders say neither the sign nor the shifts; compilers of a pointer not the sign.
    const last = place.endsWith(']') ? 2 : 5;
    for (let what = 0; what <= last; what++) {
      if (what !== 3 || !field.type.endsWith('*')) add(`return field(${place}, ${what});`);
    }
    // Bit fields are read by way of their offsets and shifts, not directly.
    if (field.suffix.includes(':')) continue;
    add(`return (long)${place};`);
    add(`${place} = 0; return 0;`);
  }
  for (let what = 0; what <= 2; what++) add(`return about(${thing}, ${what});`);
  for (const type of ['struct inner', 'enum kind', 'number', 'struct nowhere'])
    add(`return about(${type}, 0);`);
  for (const value of ['KIND_A', 'KIND_B', 'KIND_C']) {
    for (let what = 0; what <= 1; what++) add(`return enumerator(enum kind, ${value}, ${what});`);
  }
  return [
    PRELUDE,
    'typedef int number;',
    'enum kind { KIND_A = 1, KIND_B = 5, KIND_C = 7 };',
    'struct inner { int a; long b; short c; } RELOCATABLE;',
    'struct nowhere { int a; } RELOCATABLE;',
    `${thing} {`,
    ...fields.map(declare),
    '} RELOCATABLE;',
    ...programs,
    'char _license[] SEC("license") = "GPL";',
  ].join('\n');
}

function targetOf(random: Random, fields: readonly Field[]): string {
  const parts = shuffled(
    random,
    fields.flatMap(field => changed(random, field)),
  );
  const several = random(6) === 0;
  const body = (lines: readonly string[]) => ['struct thing {', ...lines, '};'];
  const second = several
    ? shuffled(
        random,
        fields.flatMap(field => changed(random, field)),
      )
    : [];
  return [
    random(4) === 0 ? 'typedef long number;' : 'typedef int number;',
    random(4) === 0
      ? 'enum kind { KIND_C = -3, KIND_A = 2 };'
      : 'enum kind { KIND_NEW, KIND_A, KIND_B = 9, KIND_C };',
    random(3) === 0
      ? 'struct inner { short c; char pad[20]; long b; char a; };'
      : 'struct inner { int a; long b; short c; };',
    // A struct within a function: a second one of the same name in the same types.
    ...(several
      ? ['long other(void) {', ...body(second), 'static struct thing thing; return (long)&thing; }']
      : []),
    ...body(parts),
    'struct thing thing; enum kind kind; number a_number; struct inner inner;',
  ].join('\n');
}

function shuffled(random: Random, list: readonly string[]): string[] {
  const result = [...list];
  for (let at = result.length - 1; at > 0; at--) {
    const other = random(at + 1);
    [result[at], result[other]] = [result[other] ?? '', result[at] ?? ''];
  }
  return result;
}

/** A field as another kernel may have it. */
function changed(random: Random, field: Field): string[] {
  const filler = () => (random(2) === 0 ? [`\tlong filler_${field.name};`] : []);
  switch (random(12)) {
    case 0:
      return [];
    case 1:
      return [declare({ ...field, name: `renamed_${field.name}` })];
    case 2:
      return [
        declare({ ...field, type: SCALARS.includes(field.type) ? pick(random, SCALARS, 'int') : field.type }),
      ];
    case 3:
      return [`\tunion { ${declare(field)} long other_${field.name}; };`];
    case 4:
      return [`\tstruct { char pad_${field.name}[${1 + random(30)}]; ${declare(field)} };`];
    case 5:
      return [`\tunsigned ${field.name} : ${1 + random(30)};`];
    case 6:
      return [`\tvoid *${field.name};`];
    case 7:
      return [`\tlong ${field.name}[3];`];
    case 8:
      return [`\tconst volatile ${field.type} ${field.name}${field.suffix};`];
    default:
      return [...filler(), declare(field)];
  }
}
