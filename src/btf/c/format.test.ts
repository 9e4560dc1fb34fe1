/** C renderings: by hand for every kind of declarator, and compiled again by clang for the rest. */

import { describe, expect, test } from 'vitest';
import { COMMANDS, needs } from '../../../test/support/needs.ts';
import { outputOf } from '../../../test/support/run.ts';
import { parseBtf } from '../binary/parse.ts';
import type { RawBtf } from '../model/raw.ts';
import {
  compile,
  compiledTypes,
  INT,
  idOf,
  member,
  pointer,
  sectionOfObject,
  struct,
  typesOf,
  withDirectory,
} from '../model/testing.ts';
import { toRaw } from '../model/to-raw.ts';
import type { Btf, BtfType } from '../model/types.ts';
import { formatDeclaration, formatDefinition, formatFunc, formatType, formatVar } from './format.ts';
import { formatBtfAsC } from './format-c.ts';

const btf = typesOf(
  INT, // 1
  struct('a', 4, member('m', 1, 0)), // 2
  pointer(2), // 3
  {
    kind: 'func_proto',
    returns: 1,
    params: [
      { name: '', type: 3 },
      { name: '', type: 1 },
    ],
  }, // 4
  pointer(4), // 5
  { kind: 'array', element: 5, index: 1, length: 4 }, // 6
  { kind: 'const', type: 1 }, // 7
  pointer(7), // 8
  { kind: 'const', type: 8 }, // 9
  { kind: 'array', element: 1, index: 1, length: 3 }, // 10
  { kind: 'array', element: 10, index: 1, length: 2 }, // 11
  pointer(11), // 12
  { kind: 'func_proto', returns: 12, params: [] }, // 13
  pointer(13), // 14
  {
    kind: 'func_proto',
    returns: 14,
    params: [
      { name: 'a', type: 1 },
      { name: '', type: 0 },
    ],
  }, // 15
  { kind: 'func', name: 'f', type: 15, linkage: 'static' }, // 16
  { kind: 'var', name: 'v', type: 6, linkage: 'extern' }, // 17
  struct('', 0), // 18
  pointer(18), // 19
  { kind: 'array', element: 7, index: 1, length: 0 }, // 20
  { kind: 'type_tag', name: 'a"b', type: 1, attribute: false }, // 21
  pointer(21), // 22
  { kind: 'restrict', type: 8 }, // 23
  { kind: 'fwd', name: 'u', union: true }, // 24
  { kind: 'enum', name: 'e', size: 4, signed: false, values: [] }, // 25
  { kind: 'typedef', name: 't', type: 25 }, // 26
  { kind: 'datasec', name: '.data', size: 0, vars: [] }, // 27
  { kind: 'decl_tag', name: 'tag', type: 2, component: 0, attribute: false }, // 28
  { kind: 'volatile', type: 11 }, // 29
);

describe('one line', () => {
  const TYPES: readonly (readonly [number, string])[] = [
    [0, 'void'],
    [1, 'int'],
    [2, 'struct a'],
    [3, 'struct a *'],
    [4, 'int (struct a *, int)'],
    [5, 'int (*)(struct a *, int)'],
    [6, 'int (*[4])(struct a *, int)'],
    [8, 'const int *'],
    [9, 'const int *const'],
    [11, 'int[2][3]'],
    [12, 'int (*)[2][3]'],
    [14, 'int (*(*)(void))[2][3]'],
    [16, 'static int (*(*f(int a, ...))(void))[2][3]'],
    [17, 'extern int (*v[4])(struct a *, int)'],
    [19, 'struct {...} *'],
    [20, 'const int[]'],
    [22, '__attribute__((btf_type_tag("a\\"b"))) int *'],
    [23, 'const int *restrict'],
    [24, 'union u'],
    [25, 'enum e'],
    [26, 't'],
    [27, 'section ".data"'],
    [28, 'tag "tag" on struct a'],
    [29, 'volatile int[2][3]'],
  ];

  test.for(TYPES)('%s is %s', ([id, text]) => {
    expect(formatType(btf, id)).toBe(text);
  });

  const DECLARATIONS: readonly (readonly [number, string])[] = [
    [0, 'void x'],
    [1, 'int x'],
    [3, 'struct a *x'],
    [4, 'int x(struct a *, int)'],
    [6, 'int (*x[4])(struct a *, int)'],
    [9, 'const int *const x'],
    [12, 'int (*x)[2][3]'],
    [20, 'const int x[]'],
  ];

  test.for(DECLARATIONS)('%s declares %s', ([id, text]) => {
    expect(formatDeclaration(btf, id, 'x')).toBe(text);
  });

  test('functions and variables', () => {
    expect(formatFunc(btf, 16)).toBe('static int (*(*f(int a, ...))(void))[2][3]');
    expect(formatVar(btf, 17)).toBe('extern int (*v[4])(struct a *, int)');
  });

  test('ends for prototypes that take or return themselves', () => {
    const loop = typesOf(pointer(2), {
      kind: 'func_proto',
      returns: 1,
      params: [
        { name: '', type: 1 },
        { name: '', type: 1 },
      ],
    });
    expect(formatType(loop, 1).length).toBeLessThan(10_000);
    const returns = typesOf(pointer(2), { kind: 'func_proto', returns: 1, params: [] });
    expect(formatType(returns, 1).length).toBeLessThan(10_000);
  });
});

describe('definitions', () => {
  const PADDED: BtfType = struct('p', 12, member('a', 1, 0), member('b', 1, 8));

  const DEFINITIONS: readonly {
    readonly name: string;
    readonly types: readonly BtfType[];
    readonly text: string;
  }[] = [
    { name: 'struct', types: [INT, struct('s', 4, member('m', 1, 0))], text: 'struct s {\n\tint m;\n};' },
    { name: 'empty struct', types: [struct('s', 0)], text: 'struct s {};' },
    { name: 'gap', types: [INT, PADDED], text: 'struct p {\n\tint a;\n\tlong: 32;\n\tint b;\n};' },
    {
      name: 'space at the end',
      types: [INT, struct('s', 24, member('a', 1, 0))],
      text: 'struct s {\n\tint a;\n\tlong: 32;\n\tlong: 64;\n\tlong: 64;\n};',
    },
    {
      name: 'much space',
      types: [INT, struct('s', 4096, member('a', 1, 0))],
      text: 'struct s {\n\tint a;\n\tchar __padding_4[4092];\n};',
    },
    {
      name: 'packed',
      types: [
        INT,
        { ...INT, name: 'char', size: 1, bits: 8 },
        struct('s', 5, member('c', 2, 0), member('i', 1, 1)),
      ],
      text: 'struct s {\n\tchar c;\n\tint i;\n} __attribute__((packed));',
    },
    {
      name: 'bit fields',
      types: [
        INT,
        {
          kind: 'struct',
          name: 's',
          size: 8,
          members: [
            { name: 'a', type: 1, bitOffset: 0, bitSize: 3 },
            { name: 'b', type: 1, bitOffset: 8, bitSize: 20 },
            { name: 'c', type: 1, bitOffset: 32, bitSize: 8 },
          ],
        },
      ],
      text: 'struct s {\n\tint a: 3;\n\tlong: 5;\n\tint b: 20;\n\tint c: 8;\n};',
    },
    {
      name: 'unnamed union inside',
      types: [
        INT,
        { kind: 'union', name: '', size: 4, members: [member('i', 1, 0)] },
        struct('s', 4, member('', 2, 0)),
      ],
      text: 'struct s {\n\tunion {\n\t\tint i;\n\t};\n};',
    },
    {
      name: 'union with more room than its members',
      types: [INT, { kind: 'union', name: 'u', size: 64, members: [member('i', 1, 0)] }],
      text: 'union u {\n\tint i;\n\tchar __size[64];\n};',
    },
    {
      name: 'enum',
      types: [
        {
          kind: 'enum',
          name: 'e',
          size: 1,
          signed: true,
          values: [
            { name: 'A', value: -1n },
            { name: 'B', value: 2n },
          ],
        },
      ],
      text: 'enum e {\n\tA = -1,\n\tB = 2,\n} __attribute__((packed));',
    },
    {
      name: '64-bit enum',
      types: [
        {
          kind: 'enum64',
          name: 'e',
          size: 8,
          signed: true,
          values: [
            { name: 'A', value: -(1n << 63n) },
            { name: 'B', value: 1n << 40n },
          ],
        },
      ],
      text: 'enum e {\n\tA = (-9223372036854775807LL - 1),\n\tB = 1099511627776ULL,\n};',
    },
    {
      name: 'typedef',
      types: [
        INT,
        { kind: 'array', element: 1, index: 1, length: 2 },
        { kind: 'typedef', name: 't', type: 2 },
      ],
      text: 'typedef int t[2];',
    },
    { name: 'forward declaration', types: [{ kind: 'fwd', name: 'f', union: false }], text: 'struct f;' },
  ];

  test.for(DEFINITIONS)('$name', ({ types, text }) => {
    const built = typesOf(...types);
    const id = Array.from({ length: built.count }, (_, index) => index + 1).findLast(
      candidate => built.nameOf(candidate) !== '',
    );
    expect(formatDefinition(built, id ?? 0)).toBe(text);
  });

  test('tags', () => {
    const tagged = typesOf(
      INT,
      struct('s', 4, member('m', 1, 0)),
      { kind: 'decl_tag', name: 'on struct', type: 2, component: -1, attribute: false },
      { kind: 'decl_tag', name: 'on member', type: 2, component: 0, attribute: false },
    );
    expect(formatDefinition(tagged, 2)).toBe(
      'struct s {\n\tint m __attribute__((btf_decl_tag("on member")));\n} __attribute__((btf_decl_tag("on struct")));',
    );
  });

  test('of unnamed types inside each other are refused when they grow beyond reason', () => {
    const types: BtfType[] = [];
    for (let level = 1; level < 40; level++) {
      types.push(struct('', 0, ...'abcd'.split('').map(name => member(name, level + 1, 0))));
    }
    types.push(struct('', 0));
    types.push(struct('s', 0, member('m', 1, 0)));
    const built = typesOf(...types);
    expect(() => formatBtfAsC(built)).toThrow('the types are too large');
    expect(formatDefinition(built, built.count).length).toBeLessThan(10_000_000);
  });
});

describe('header', () => {
  test('declares before use, once', () => {
    const built = typesOf(
      struct('first', 16, member('next', 2, 0), member('call', 4, 8)),
      pointer(5),
      { kind: 'func_proto', returns: 0, params: [{ name: 's', type: 2 }] },
      pointer(3),
      struct('second', 16, member('by_value', 1, 0)),
      { kind: 'typedef', name: 'second_t', type: 5 },
    );
    expect(formatBtfAsC(built)).toBe(
      [
        'struct second;\n',
        'struct first {\n\tstruct second *next;\n\tvoid (*call)(struct second *s);\n};\n',
        'struct second {\n\tstruct first by_value;\n};\n',
        'typedef struct second second_t;\n',
      ].join('\n'),
    );
  });

  test('gives different types of one name different names', () => {
    const built = typesOf(
      INT,
      struct('s', 4, member('a', 1, 0)),
      struct('s', 4, member('b', 1, 0)),
      { kind: 'enum', name: '', size: 4, signed: false, values: [{ name: 'A', value: 0n }] },
      { kind: 'typedef', name: 'A', type: 1 },
      { kind: 'fwd', name: 's', union: true },
    );
    expect(formatBtfAsC(built)).toBe(
      [
        'struct s {\n\tint a;\n};\n',
        'struct s___2 {\n\tint b;\n};\n',
        'typedef int A___2;\n',
        'union s___3;\n',
        'enum {\n\tA = 0,\n};\n',
      ].join('\n'),
    );
  });
});

// --- with a compiler ----------------------------------------------------------------------------------------------

/** Sources whose types need everything that C has. */
interface Source {
  readonly name: string;
  /** Types of which there is a variable each. */
  readonly names: readonly string[];
  readonly source: string;
}

const SOURCES: readonly Source[] = [
  {
    name: 'layouts',
    names: [
      'struct plain',
      'struct packed',
      'struct packed_inside',
      'struct aligned',
      'struct cache',
      'struct hole',
      'struct flexible',
      'struct empty',
      'struct has_empty',
      'union mixed',
      'll',
      'struct under',
    ],
    source: `
      struct plain { char a; short b; int c; long d; char e; };
      struct packed { char a; int b; long c; short d; } __attribute__((packed));
      struct packed_inside { char a; struct packed p; int b; };
      struct aligned { int a; int b __attribute__((aligned(32))); char c; };
      struct cache { char a; struct aligned b; } __attribute__((aligned(64)));
      struct hole { int a; char pad[0] __attribute__((aligned(2048))); int b; };
      struct flexible { int count; long items[]; };
      struct empty {};
      struct has_empty { int a; struct empty e; int b; };
      union mixed { char a; struct { short b; int c; }; long d[3]; struct packed p; };
      typedef long long ll __attribute__((aligned(4)));
      struct under { char a; ll b; };
    `,
  },
  {
    name: 'bit fields',
    names: [
      'struct bits',
      'struct bits_hole',
      'struct bits_packed',
      'enum color',
      'struct bits_enum',
      'union bits_union',
      'struct bits_nested',
    ],
    source: `
      struct bits { int a: 3; unsigned b: 7; long c: 40; char d: 2; int: 0; int e: 5; short f; _Bool g: 1; };
      struct bits_hole { unsigned a: 4; unsigned: 12; unsigned b: 4; int: 0; char c: 1; };
      struct bits_packed { char a; int b: 31; long c: 50; char d; } __attribute__((packed));
      enum color { RED, GREEN, BLUE };
      struct bits_enum { enum color a: 2; enum color b: 3; unsigned long c: 59; };
      union bits_union { int a: 3; long b: 60; };
      struct bits_nested { int a: 1; struct { int b: 2; int c: 30; } in; int d: 4; };
    `,
  },
  {
    name: 'references',
    names: [
      'struct tree',
      'struct leaf',
      'node_t',
      'unnamed_t',
      'callback_t',
      'struct calls',
      'matrix_t',
      'struct matrix',
      'struct self',
    ],
    source: `
      struct unknown;
      struct tree { struct tree *left, *right; struct leaf *leaf; int (*walk)(struct tree *, struct unknown *); };
      struct leaf { struct tree root; struct { struct leaf *next; } list; struct leaf *all[4]; };
      typedef struct node node_t;
      struct node { node_t *next; void (*call)(node_t, const node_t *); };
      typedef struct { int a; node_t node; } unnamed_t;
      typedef int (*callback_t)(unnamed_t *, int (*)[4], ...);
      struct calls { callback_t a; callback_t *b[3]; int (*(*c)(int))(char); const char *const volatile d; };
      typedef int matrix_t[3][4];
      struct matrix { matrix_t m; matrix_t *p; int *restrict r; };
      struct self { struct { struct self *up; union { struct self *a; long b; }; } in[2]; };
    `,
  },
  {
    name: 'enums',
    names: ['struct enums', 'unnamed_enum'],
    source: `
      enum small { S1 = -5, S2 = 7 };
      enum big { B1 = 0xffffffff, B2 = 1 };
      enum huge { H1 = 0x123456789abcULL };
      enum huge_signed { G1 = -0x123456789abcLL, G2 = 5 };
      enum tiny { T1, T2 } __attribute__((packed));
      typedef enum { U1 = 3, U2 } unnamed_enum;
      struct enums { enum small a; enum big b; enum huge c; enum huge_signed d; enum tiny e; unnamed_enum f; enum { I1, I2 } g; enum small *p; };
    `,
  },
  {
    name: 'tags',
    names: ['tagged_t', 'struct tagged', 'struct tagged_list'],
    source: `
      #define T(x) __attribute__((btf_type_tag(#x)))
      #define D(x) __attribute__((btf_decl_tag(#x)))
      typedef int tagged_t D(on_typedef);
      struct tagged { int T(user) *a; int T(one) T(two) *b; tagged_t c D(on_member); } D(on_struct);
      struct tagged_list { struct tagged T(kptr) *first; const struct tagged_list *next; };
    `,
  },
  {
    name: 'basic types',
    names: ['struct basic'],
    source: `
      struct basic { _Bool a; char b; signed char c; unsigned char d; short e; unsigned short f; int g; unsigned h;
        long i; unsigned long j; long long k; unsigned long long l; __int128 m; unsigned __int128 n; float o; double p; };
    `,
  },
];

/** A source in which every struct, union, enum and typedef is described: one pointer variable of each. */
function withVariables(source: string, names: readonly string[]): string {
  const lines = names.map((name, index) => `${name} *use_${index};`);
  return `${source}\n${lines.join('\n')}\n`;
}

/** All named definitions with everything that matters about them, as text without ids. */
function describeTypes(types: Btf): string[] {
  const lines: string[] = [];
  for (let id = 1; id <= types.count; id++) {
    const type = types.type(id);
    if (type.kind === 'struct' || type.kind === 'union') {
      if (type.name === '') continue;
      lines.push(`${type.kind} ${type.name}: ${describeMembers(types, id)}`);
    } else if (type.kind === 'enum' || type.kind === 'enum64') {
      if (type.name === '') continue;
      const values = type.values.map(value => `${value.name}=${value.value}`);
      lines.push(`enum ${type.name}: ${type.size} ${type.signed} ${values}`);
    } else if (type.kind === 'typedef') {
      lines.push(`typedef ${type.name}: ${describeUnnamed(types, type.type)}`);
    } else if (type.kind === 'decl_tag') {
      lines.push(`tag ${type.name} ${type.component}: ${formatType(types, type.type)}`);
    }
  }
  return [...new Set(lines)].sort();
}

function describeMembers(types: Btf, id: number): string {
  const type = types.type(id);
  if (type.kind !== 'struct' && type.kind !== 'union') return '';
  const members = type.members
    .filter(each => !each.name.startsWith('__padding') && !each.name.startsWith('__size'))
    .map(each => `${each.name}@${each.bitOffset}:${each.bitSize} ${describeUnnamed(types, each.type)}`);
  return `${type.size} {${members.join('; ')}}`;
}

/** The type's own rendering, with the members of unnamed structs in full. */
function describeUnnamed(types: Btf, id: number): string {
  const text = formatType(types, id);
  let inner = id;
  for (let type = types.type(inner || 1); inner !== 0; type = types.type(inner || 1)) {
    if (type.kind === 'array') inner = type.element;
    else if (type.kind === 'ptr' || type.kind === 'const' || type.kind === 'volatile') inner = type.type;
    else break;
  }
  return inner !== 0 && types.nameOf(inner) === '' ? `${text} ${describeMembers(types, inner)}` : text;
}

/** The generated header of `types`, compiled again. */
function compiledAgain(types: RawBtf, names: readonly string[]): RawBtf {
  return compiledTypes(withVariables(formatBtfAsC(types), names));
}

needs('clang').describe('compiled again', () => {
  test.for(SOURCES)('$name', ({ source, names }) => {
    const original = compiledTypes(withVariables(source, names));
    const again = compiledAgain(original, names);
    expect(describeTypes(again)).toEqual(describeTypes(original));
  });

  test('members end up where they were even when only sizes are left of an alignment', () => {
    const original = compiledTypes(`
      struct wide { int a; } __attribute__((aligned(64)));
      struct user { char c; struct wide w; char d; } *use;
    `);
    const again = compiledAgain(original, ['struct user']);
    const id = idOf(again, 'struct', 'user');
    expect(formatDefinition(again, id)).toContain('struct wide w;');
    expect(describeMembers(again, id)).toBe(describeMembers(original, idOf(original, 'struct', 'user')));
  });

  test('names of other languages and clashes compile', () => {
    const types = typesOf(
      { ...INT, name: 'u32', signed: false },
      struct('core::option::Option<u32>', 8, member('0', 1, 0), member('__1', 1, 4)),
      struct('core::option::Option(u32)', 4, member('a b', 1, 0)),
      { kind: 'typedef', name: '3d', type: 2 },
      struct('late', 8, member('second', 1, 4), member('first', 1, 0)),
      struct('late', 4, member('', 3, 0)),
    );
    const again = compiledTypes(`${formatBtfAsC(types)}\nstruct late *a; struct late___2 *b; _3d *c;`);
    const late = again.type(idOf(again, 'struct', 'late'));
    expect(late.kind === 'struct' && late.members.map(each => [each.name, each.bitOffset])).toEqual([
      ['first', 0],
      ['second', 32],
    ]);
    expect(again.type(idOf(again, 'struct', 'core__option__Option_u32_'))).toMatchObject({ size: 8 });
  });
});

needs('clang').test('an unnamed enum that is used twice is defined once', () => {
  const types = typesOf(
    { kind: 'enum', name: '', size: 4, signed: false, values: [{ name: 'ONCE', value: 1n }] },
    struct('s', 8, member('a', 1, 0), member('b', 1, 4)),
  );
  const text = formatBtfAsC(types);
  expect(text.split('ONCE').length).toBe(2);
  expect(compiledTypes(`${text} struct s *use;`).count).toBeGreaterThan(2);
});

needs('clang', 'bpftool').describe('the header of bpftool means the same', () => {
  test.for(SOURCES)('$name', ({ source, names }) => {
    withDirectory(directory => {
      const file = compile(directory, 'types', withVariables(source, names));
      const ours = compiledAgain(toRaw(parseBtf(sectionOfObject(file, '.BTF'), 'little')), names);
      const header = outputOf(COMMANDS.bpftool, ['btf', 'dump', 'file', file, 'format', 'c']);
      const theirs = compiledTypes(withVariables(header, names));
      expect(describeTypes(ours).filter(isInBpftool)).toEqual(describeTypes(theirs).filter(isInBpftool));
    });
  });
});

/** bpftool 7.1 leaves out declaration tags, and that an enum is packed. */
function isInBpftool(line: string): boolean {
  return !line.startsWith('tag ') && !line.startsWith('enum tiny:');
}

test('a header that is much longer than its types is refused', () => {
  const name = 'n'.repeat(30_000);
  const typedefs = Array.from(
    { length: 400 },
    (_, index): BtfType => ({ kind: 'typedef', name: `t${index}`, type: 2 }),
  );
  const long = typesOf(INT, struct(name, 4, member('m', 1, 0)), ...typedefs);
  expect(() => formatBtfAsC(long)).toThrow(
    expect.objectContaining({
      code: 'btf-c-too-large',
      problems: [expect.objectContaining({ hint: 'raise the limit: --limits text=32 (option limits)' })],
    }),
  );
  expect(formatBtfAsC(long, { limits: { text: 1024 } }).length).toBeGreaterThan(400 * 30_000);
  expect(formatBtfAsC(typesOf(INT, struct(name, 4, member('m', 1, 0)), ...typedefs.slice(0, 9)))).toContain(
    name,
  );
});
