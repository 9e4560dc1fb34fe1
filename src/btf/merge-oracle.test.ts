/** Merging real types: the same as libbpf makes of compiled objects, and the kernel's own in pieces. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { COMMANDS, needs } from '../../test/support/needs.ts';
import { runTool } from '../../test/support/run.ts';
import { encodeBtf } from './binary/encode.ts';
import { parseBtf } from './binary/parse.ts';
import { formatType } from './c/format.ts';
import { formatBtfAsC } from './c/format-c.ts';
import { type MergeResult, mergeBtf } from './merge/merge.ts';
import { forEachReference, type RawBtf } from './model/raw.ts';
import { compile, sectionOfObject, withDirectory } from './model/testing.ts';
import type { Btf, BtfId, BtfType } from './model/types.ts';

const COMMON = `
  typedef unsigned int u32;
  typedef unsigned long u64;
  enum verdict { DROP, PASS };
  enum wide { LOW = 1, HIGH = 0x123456789aULL };
  struct key { u32 a; u32 b: 5; u32 c: 27; };
  struct list { struct list *next; struct owner *owner; int (*call)(struct list *, enum verdict); };
  struct tagged { int x; } __attribute__((btf_decl_tag("all")));
  union value { u64 wide; struct { u32 low, high; }; unsigned char bytes[8]; const char *name; };
`;

/** Three files that know different parts of the same structs. */
const SOURCES = [
  `${COMMON}
  struct owner { u32 id; struct list *first; double ignored; };
  struct secret;
  int use_a(struct owner *o, struct secret *s, union value v[3]) { return o->id + v[0].low; }
  int tagged_a(struct tagged *t, volatile const enum wide *w) { return t->x + *w; }
  u32 counter_a = 3;`,
  `${COMMON}
  struct secret { struct list list; struct key keys[4]; };
  int use_b(struct secret *s, struct owner *o) { return s->keys[1].b; }
  static __attribute__((noinline)) int helper_b(struct list *l) { return l->next != 0; }
  int call_b(struct list *l) { return helper_b(l) + helper_b(l->next); }
  u32 counter_b[7];`,
  `${COMMON}
  struct owner { u32 id; struct list *first; double ignored; };
  typedef struct { struct key key; union value value; } entry_t;
  int use_c(entry_t *e, struct tagged *t, void *restrict p) { return e->key.a + t->x; }
  const volatile int constant_c = 4;`,
];

/** Everything about a type except ids. */
function describe(btf: Btf, id: BtfId): string {
  const type = btf.type(id);
  return JSON.stringify({ ...flat(btf, type), text: formatType(btf, id) }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

function flat(btf: Btf, type: BtfType): object {
  if (type.kind === 'struct' || type.kind === 'union') {
    return { ...type, members: type.members.map(each => ({ ...each, type: formatType(btf, each.type) })) };
  }
  if ('type' in type) return { ...type, type: formatType(btf, type.type) };
  return { kind: type.kind };
}

function describeAll(btf: Btf): string[] {
  const lines: string[] = [];
  for (let id = 1; id <= btf.count; id++) if (btf.type(id).kind !== 'datasec') lines.push(describe(btf, id));
  return lines.sort();
}

needs('clang', 'bpftool').test('what libbpf makes of the same objects', () => {
  withDirectory(directory => {
    const files = SOURCES.map((source, index) => compile(directory, `file${index}`, source));
    const output = path.join(directory, 'linked.o');
    runTool(COMMANDS.bpftool, ['gen', 'object', output, ...files]);
    const theirs = parseBtf(sectionOfObject(output, '.BTF'), 'little');
    const inputs = files.map(file => ({ btf: parseBtf(sectionOfObject(file, '.BTF'), 'little') }));
    const ours = mergeBtf(inputs);
    expect(ours.after).toBeLessThan(ours.before - 30);
    expect(describeAll(ours.btf)).toEqual(withoutSolvedForwards(describeAll(theirs)));
    // And in whatever order the files come.
    const reversed = mergeBtf([...inputs].reverse());
    expect(describeAll(reversed.btf)).toEqual(describeAll(ours.btf));
  });
});

/**
 * libbpf before 1.2 keeps forward declarations, and pointers to them, where no shared struct shows that they
 * are the struct.
 */
function withoutSolvedForwards(lines: readonly string[]): string[] {
  const structs = new Set(
    lines.flatMap(line => /^\{"kind":"struct".*"text":"(.*)"\}$/.exec(line)?.[1] ?? []),
  );
  const isSolved = (line: string): boolean =>
    structs.has(/^\{"kind":"fwd".*"text":"(.*)"\}$/.exec(line)?.[1] ?? '');
  return [...new Set(lines.filter(line => !isSolved(line)))];
}

/** How types of the first merge correspond to those of the second; throws when one has two counterparts. */
function correspondence(
  whole: MergeResult,
  pieces: readonly Uint32Array[],
  united: MergeResult,
): Map<BtfId, BtfId> {
  const pairs = new Map<BtfId, BtfId>();
  const all = whole.ids[0] ?? new Uint32Array(0);
  for (const [index, piece] of pieces.entries()) {
    for (let id = 1; id < all.length; id++) {
      const part = piece[id] ?? 0;
      if (part === 0) continue;
      const [left, right] = [all[id] ?? 0, united.ids[index]?.[part] ?? 0];
      const known = pairs.get(left) ?? right;
      if (known !== right) throw new Error(`type ${left} became ${known} and ${right}`);
      pairs.set(left, right);
    }
  }
  return pairs;
}

needs('vmlinux-btf').test('the types of the kernel, in pieces and together again', () => {
  const btf = parseBtf(readFileSync('/sys/kernel/btf/vmlinux'), 'little');
  const whole = mergeBtf([{ btf }]);
  const sections = kindCount(btf, 'datasec');
  expect(whole.after).toBe(whole.before - sections);
  expect(Buffer.compare(encodeBtf(mergeBtf([whole]).btf, 'big'), encodeBtf(whole.btf, 'big'))).toBe(0);

  // Tags reach what they tag, so they are not roots: a function must not come with two pieces.
  const roots: BtfId[][] = [[], [], []];
  for (let id = 1; id <= btf.count; id++) if (btf.type(id).kind !== 'decl_tag') roots[id % 3]?.push(id);
  const pieces = roots.map(ids => mergeBtf([{ btf, roots: ids }]));
  const united = mergeBtf(pieces);
  expect(united.after).toBe(whole.after);
  const pairs = correspondence(
    whole,
    pieces.map(piece => piece.ids[0] ?? new Uint32Array(0)),
    united,
  );
  expect(pairs.size).toBe(whole.after);
  expect(new Set(pairs.values()).size).toBe(whole.after);
  for (const [left, right] of pairs) {
    if (!sameUnder(pairs, whole.btf, left, united.btf, right)) {
      expect(united.btf.type(right), `type ${left} became type ${right}`).toEqual(whole.btf.type(left));
    }
  }
});

function kindCount(btf: Btf, kind: BtfType['kind']): number {
  let count = 0;
  for (let id = 1; id <= btf.count; id++) if (btf.type(id).kind === kind) count++;
  return count;
}

/** Whether the types say the same, ids translated through `pairs`. */
function sameUnder(pairs: ReadonlyMap<BtfId, BtfId>, a: RawBtf, idA: BtfId, b: RawBtf, idB: BtfId): boolean {
  const references: [BtfId[], BtfId[]] = [[], []];
  forEachReference(a, idA, id => references[0].push(id === 0 ? 0 : (pairs.get(id) ?? -1)));
  forEachReference(b, idB, id => references[1].push(id));
  return references[0].join() === references[1].join() && textOf(a, idA) === textOf(b, idB);
}

/** Everything but references. */
function textOf(btf: Btf, id: BtfId): string {
  return JSON.stringify(btf.type(id), (key, value: unknown) => {
    if (key === 'type' || key === 'element' || key === 'index' || key === 'returns') return undefined;
    return typeof value === 'bigint' ? value.toString() : value;
  });
}

needs('vmlinux-btf', 'clang').test('the types of the kernel as C are where the kernel has them', () => {
  const btf = parseBtf(readFileSync('/sys/kernel/btf/vmlinux'), 'little');
  const checks: string[] = [];
  for (const id of uniqueComposites(btf)) {
    const type = btf.type(id);
    if (type.kind !== 'struct' && type.kind !== 'union') continue;
    const name = `${type.kind} ${type.name}`;
    checks.push(`_Static_assert(sizeof(${name}) == ${type.size}, "${name}");`);
    for (const member of type.members) {
      if (member.name === '' || member.bitSize !== 0) continue;
      const offset = `__builtin_offsetof(${name}, ${member.name})`;
      checks.push(`_Static_assert(${offset} == ${member.bitOffset / 8}, "${name}.${member.name}");`);
    }
  }
  expect(checks.length).toBeGreaterThan(10_000);
  withDirectory(directory => {
    compile(directory, 'vmlinux', `${formatBtfAsC(btf)}\n${checks.join('\n')}\n`);
  });
});

/** Structs and unions whose name is theirs alone. */
function uniqueComposites(btf: Btf): BtfId[] {
  const byName = new Map<string, BtfId[]>();
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (!['struct', 'union', 'enum', 'enum64', 'fwd'].includes(type.kind) || btf.nameOf(id) === '') continue;
    const known = byName.get(btf.nameOf(id));
    if (known === undefined) byName.set(btf.nameOf(id), [id]);
    else known.push(id);
  }
  return [...byName.values()].flatMap(ids => (ids.length === 1 ? ids : []));
}
