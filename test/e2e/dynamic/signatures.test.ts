/** Which back end supports which prototype, and the messages with which the others are refused. */

import { expect, test } from 'vitest';
import type { BindingBackEnd } from '../../../src/dynamic/bind/bindings.ts';
import { objectionTo, situationOf } from '../../../src/dynamic/bind/choose.ts';
import { findDefinitions, type SearchScope } from '../../../src/dynamic/bind/find.ts';
import { signatureOf } from '../../../src/dynamic/bind/signature.ts';
import { findExport } from '../../../src/dynamic/providers/exports.ts';
import type { Provider } from '../../../src/dynamic/providers/provider.ts';
import { Replacements } from '../../../src/dynamic/providers/replacements.ts';
import { TailSlots } from '../../../src/dynamic/providers/tail-slots.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { BPF_PROG_TYPE_XDP } from '../../../src/uapi/program-types.ts';
import { needs } from '../../support/needs.ts';
import { compiled } from './support.ts';

const HEAD = `
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
struct pair { int first, second; };
struct opaque;
#undef __arg_ctx
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
enum color { RED, GREEN };
union both { int number; char bytes[4]; };
typedef struct xdp_md *context;
`;

/** Prototype (with NAME for the name), class, and what `ext` and `tail` say ('' when they carry it). */
const MATRIX: readonly (readonly [proto: string, letter: string, ext: string, tail: string])[] = [
  ['int NAME(struct xdp_md *ctx)', 'A', '', ''],
  ['int NAME(const struct xdp_md *ctx)', 'A', '', ''],
  ['int NAME(context ctx)', 'A', '', ''],
  ['long NAME(struct xdp_md *ctx)', 'A', '', ''],
  ['enum color NAME(struct xdp_md *ctx)', 'A', '', ''],
  ['int NAME(struct xdp_md *ctx, int more)', 'B', '', 'passes the context alone; it has other parameters'],
  ['int NAME(int a, unsigned long b, bool c, enum color d, char e)', 'B', '', 'it has other parameters'],
  ['int NAME(struct pair *pair)', 'B', '', 'it has other parameters'],
  ['int NAME(union both *both)', 'B', '', 'it has other parameters'],
  ['int NAME(void)', 'B', '', 'it has no parameters'],
  ['int NAME(int *number)', 'C', 'parameter 1 is a pointer to an int', 'parameter 1 is a pointer to an int'],
  [
    'int NAME(struct xdp_md *ctx, const char *text)',
    'C',
    'parameter 2 is a pointer to a char',
    'parameter 2',
  ],
  ['int NAME(void *ctx __arg_ctx)', 'A', 'parameter 1 is the context by its tag alone', ''],
  ['int NAME(void *ctx __arg_ctx, int more)', 'B', 'by its tag alone', 'it has other parameters'],
  ['int NAME(struct __sk_buff *other)', 'B', '', 'it has other parameters'],
  ['int NAME(void *anything)', 'C', 'parameter 1 is a pointer to void', 'pointer to void'],
  ['int NAME(struct opaque *hidden)', 'C', 'a pointer to opaque, which is only declared', 'only declared'],
  ['int NAME(struct pair **pairs)', 'C', 'parameter 1 is a pointer to a pointer', 'a pointer to a pointer'],
  ['int NAME(int (*row)[4])', 'C', 'parameter 1 is a pointer to an array', 'an array'],
  ['void NAME(struct xdp_md *ctx)', 'D', 'it returns nothing (void)', 'it returns nothing (void)'],
  ['void *NAME(struct xdp_md *ctx)', 'D', 'it returns a pointer; only integers', 'it returns a pointer'],
];

function definition([proto]: (typeof MATRIX)[number], at: number): string {
  const body = proto.startsWith('void *')
    ? '{ return 0; }'
    : proto.startsWith('void')
      ? '{ }'
      : '{ return 0; }';
  return `__attribute__((noinline)) ${proto.replace('NAME', `f${at}`)} ${body}`;
}

/** A program that calls it with zeros, or with the context where it wants one. */
function call([proto]: (typeof MATRIX)[number], at: number): string {
  const list = proto.slice(proto.indexOf('NAME(') + 5, -1);
  const count = list === 'void' ? 0 : list.split(',').length;
  const args = Array.from({ length: count }, (_, n) =>
    n === 0 && /xdp_md|context|arg_ctx/.test(list) ? 'ctx' : '0',
  );
  return `extern ${proto.replace('NAME', `f${at}`)};
SEC("xdp") int p${at}(struct xdp_md *ctx) { ${proto.startsWith('void') ? '' : '(void)'}f${at}(${args.join(', ')}); return 2; }`;
}

const clang = needs('clang');

function scopeOf(scope: Partial<SearchScope>): SearchScope {
  return { bind: [], named: [], registered: [], ...scope };
}

function providerOf(object: BpfObject, name = object.name.replace('.o', '')): Provider {
  return {
    name,
    object,
    openMap: () => undefined,
    imports: [],
    tail: new TailSlots(),
    replacements: new Replacements(),
  };
}

clang.describe('signatures', () => {
  const objects =
    clang.reason === undefined
      ? compiled({
          provider: `${HEAD}${MATRIX.map(definition).join('\n')}`,
          consumer: `${HEAD}${MATRIX.map(call).join('\n')}`,
        })
      : undefined;
  if (objects === undefined) return;
  const { provider, consumer } = objects;
  const scope = { bind: [], named: [], registered: [providerOf(provider)] };
  const search = findDefinitions(consumer, scope, false);

  test('all of them agree, and are found', () => {
    expect(search.problems).toEqual([]);
    expect(search.found).toHaveLength(MATRIX.length);
  });

  test.each(MATRIX.map((row, at) => [row[0], row, at] as const))('%s', (_, [, letter, ext, tail], at) => {
    const name = `f${at}`;
    const target = findExport(provider, name);
    const symbol = provider.symbols[target?.index ?? -1];
    if (provider.btf === null || symbol === undefined) throw new Error('not compiled');
    expect(signatureOf(provider.btf, symbol.btfId, BPF_PROG_TYPE_XDP).class).toBe(letter);
    const found = search.found.find(one => one.name === name);
    if (found === undefined) throw new Error('not found');
    const situation = situationOf(consumer, found, () => undefined);
    const saying = (via: BindingBackEnd): string => objectionTo(via, situation) ?? '';
    if (ext === '') expect(saying('ext')).toBe('');
    else expect(saying('ext')).toContain(ext);
    if (tail === '') expect(saying('tail')).toBe('');
    else expect(saying('tail')).toContain(tail);
    expect(saying('copy')).toBe('');
  });
});

clang.describe('what the kernel would not compare is compared', () => {
  /** Definition there, declaration here, and what is reported. */
  const DISAGREEMENTS: readonly (readonly [there: string, here: string, words: RegExp])[] = [
    ['int f(int a) { return a; }', 'int f(unsigned a);', /parameter 1.*unsigned int here, int there/],
    ['int f(struct xdp_md *c) { return 1; }', 'long f(struct xdp_md *c);', /return.*long here, int there/],
    [
      'struct s { int a; int b; }; int f(struct s *s) { return s ? s->a : 0; }',
      'struct s { int b; int a; }; int f(struct s *s);',
      /member 1 is b here/,
    ],
    [
      'struct s { int a; long b; }; int f(struct s *s) { return s ? s->a : 0; }',
      'struct s { int a; int b; }; int f(struct s *s);',
      /struct s/,
    ],
    [
      'int f(struct xdp_md *c __attribute__((btf_decl_tag("arg:nonnull")))) { return 1; }',
      'int f(struct xdp_md *c);',
      /no tags here, tags "arg:nonnull \(parameter 1\)" there/,
    ],
    ['int f(int a, int b) { return a + b; }', 'int f(int a);', /f\(int a, int b\)/],
    ['int f = 3;', 'int f(void);', /function here and a variable there/],
    ['long f = 3;', 'int f;', /int here, long there/],
    [
      'enum e { A, B }; int f(enum e e) { return e; }',
      'enum e { A, B, C }; int f(enum e e);',
      /parameter 1: enum e: 3 values here, enum e: 2 values there/,
    ],
  ];

  test.each(DISAGREEMENTS)('%s | extern %s', (there, here, words) => {
    const isFunction = here.includes('(');
    const use = isFunction
      ? `f(${here.includes('xdp_md') ? '(void *)ctx' : here.includes('(void)') ? '' : here.slice(here.lastIndexOf('(')).includes(',') ? '0, 0' : '0'})`
      : 'f';
    const split = here.lastIndexOf('; ', here.length - 2);
    const declared =
      split < 0 ? `extern ${here}` : `${here.slice(0, split + 2)}extern ${here.slice(split + 2)}`;
    const { provider, consumer } = compiled({
      provider: `${HEAD}${there.replace(/(^|; )int f\(/, '$1__attribute__((noinline)) int f(')}`,
      consumer: `${HEAD}${declared} SEC("xdp") int p(struct xdp_md *ctx) { return ${use}; }`,
    });
    const scope = { bind: [], named: [], registered: [providerOf(provider)] };
    const { problems } = findDefinitions(consumer, scope, false);
    expect(problems).toHaveLength(1);
    const [problem] = problems;
    expect(`${problem?.message}\n${problem?.details?.join('\n')}`).toMatch(words);
    // both sides as C
    expect(problem?.details?.slice(0, 2).map(line => line.split(':')[0])).toEqual([
      'provider.o',
      'consumer.o',
    ]);
  });
});

clang.describe('contexts are compared by name', () => {
  const OWN = `
#define SEC(name) __attribute__((section(name), used))
#define CTX __attribute__((btf_decl_tag("arg:ctx")))
typedef unsigned u32;
struct opaque { int a; };
`;
  const FIVE = 'struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index; };';
  const SIX = 'struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, more; };';

  /** Types and parameters there, here, and what is reported ('' when they agree). */
  const CASES: readonly (readonly [string, string, string, string, string])[] = [
    [FIVE, 'struct xdp_md *c', SIX, 'struct xdp_md *c', ''],
    [SIX, 'struct xdp_md *c', FIVE, 'struct xdp_md *c', ''],
    [FIVE, 'struct xdp_md *c', 'struct xdp_md;', 'struct xdp_md *c', ''],
    [FIVE, 'void *c CTX', SIX, 'struct xdp_md *c', ''],
    [FIVE, 'struct xdp_md *c', '', 'void *c CTX', ''],
    ['', 'void *c CTX', '', 'void *c CTX', ''],
    [FIVE, 'struct xdp_md *c', '', 'void *c', 'parameter 1'],
    [
      FIVE,
      'int a, struct xdp_md *c',
      SIX,
      'int a, struct xdp_md *c',
      'parameter 2: struct xdp_md: 6 members',
    ],
    [
      'struct __sk_buff { u32 a; };',
      'struct __sk_buff *c',
      'struct __sk_buff { u32 a, b; };',
      'struct __sk_buff *c',
      'parameter 1: struct __sk_buff: 2 members',
    ],
    [FIVE, 'struct xdp_md *c, struct opaque *o CTX', SIX, 'struct xdp_md *c, struct opaque *o', 'tags'],
  ];

  // the provider has the struct; stubs are spelled as the consumer declares the function
  test.each([
    ['struct xdp_md;', 'struct xdp_md *c', /only declared/, /only declared/],
    ['', 'void *c CTX', /by its tag alone/, undefined],
    [SIX, 'struct xdp_md *c', undefined, undefined],
  ] as const)('declared as %s f(%s)', (types, parameter, ext, tail) => {
    const { provider, consumer } = compiled({
      provider: `${OWN}${FIVE} __attribute__((noinline)) int f(struct xdp_md *c) { volatile int r = 2; return r; }`,
      consumer: `${OWN}${types} extern int f(${parameter}); SEC("xdp") int p(void *ctx) { return f(ctx); }`,
    });
    const [found] = findDefinitions(
      consumer,
      { bind: [], named: [], registered: [providerOf(provider)] },
      false,
    ).found;
    if (found === undefined) throw new Error('not found');
    const situation = situationOf(consumer, found, () => undefined);
    for (const [via, words] of [
      ['ext', ext],
      ['tail', tail],
    ] as const) {
      const objection = objectionTo(via, situation);
      if (words === undefined) expect(objection).toBeUndefined();
      else expect(objection).toMatch(words);
    }
    expect(objectionTo('copy', situation)).toBeUndefined();
  });

  test.each(CASES)('%s f(%s) | %s f(%s)', (thereTypes, there, hereTypes, here, words) => {
    const args = here.split(',').map(() => '(void *)ctx');
    const call = here.startsWith('int a') ? '1, (void *)ctx' : args.join(', ');
    const { provider, consumer } = compiled({
      provider: `${OWN}${thereTypes} __attribute__((noinline)) int f(${there}) { volatile int r = 2; return r; }`,
      consumer: `${OWN}${hereTypes} extern int f(${here}); SEC("xdp") int p(void *ctx) { return f(${call}); }`,
    });
    const scope = { bind: [], named: [], registered: [providerOf(provider)] };
    const { problems } = findDefinitions(consumer, scope, false);
    if (words === '') expect(problems).toEqual([]);
    else expect(problems.map(({ message }) => message).join()).toContain(words);
  });
});

clang.describe('searching', () => {
  const objects =
    clang.reason === undefined
      ? compiled({
          one: `${HEAD} __attribute__((noinline)) int f(struct xdp_md *c) { return 1; } __attribute__((noinline)) int g(struct xdp_md *c) { return 1; }`,
          two: `${HEAD} __attribute__((noinline)) int f(struct xdp_md *c) { return 2; }`,
          weak: `${HEAD} __attribute__((weak, noinline)) int f(struct xdp_md *c) { return 3; }`,
          user: `${HEAD} extern int f(struct xdp_md *c); SEC("xdp") int p(struct xdp_md *ctx) { return f(ctx); }`,
          tagged: `${HEAD} extern int f(struct xdp_md *c) __attribute__((btf_decl_tag("rootlet:bind=one:g"))); SEC("xdp") int p(struct xdp_md *ctx) { return f(ctx); }`,
        })
      : undefined;
  if (objects === undefined) return;
  const { user, tagged } = objects;
  const [one, two, weak] = [objects.one, objects.two, objects.weak].map(object => providerOf(object));
  if (one === undefined || two === undefined || weak === undefined) return;

  test.each([
    ['the only one that is loaded', user, { registered: [one] }, 'one:f registered'],
    ['a named one before others', user, { named: [two], registered: [one] }, 'two:f named'],
    ['a strong one before weak ones', user, { registered: [weak, one] }, 'one:f registered'],
    [
      'what is asked for',
      user,
      { registered: [one, two], bind: [{ extern: 'f', provider: 'one', target: 'g' }] },
      'one:g request',
    ],
    [
      'asked for by symbol alone',
      user,
      { registered: [one, two], bind: [{ extern: 'f', target: 'g' }] },
      'one:g request',
    ],
    ['what a tag says', tagged, { named: [two], registered: [one] }, 'one:g tag'],
    [
      'what is asked for before a tag',
      tagged,
      { registered: [one, two], bind: [{ extern: 'f', provider: 'two', target: 'f' }] },
      'two:f request',
    ],
  ] as const)('%s', (_, consumer, scope, expected) => {
    const { found, problems } = findDefinitions(consumer, scopeOf(scope), false);
    expect(problems).toEqual([]);
    expect(found.map(({ provider, target, by }) => `${provider.name}:${target.name} ${by}`)).toEqual([
      expected,
    ]);
  });

  test.each([
    [
      'several',
      { registered: [one, two] },
      'dynamic-ambiguous',
      /defined by 2 loaded objects[\s\S]*one: int f[\s\S]*two: int f[\s\S]*--bind f=one:f/,
    ],
    ['several that are named', { named: [one, two] }, 'dynamic-ambiguous', /defined by 2/],
    [
      'an unknown provider',
      { registered: [one], bind: [{ extern: 'f', provider: 'onne', target: 'f' }] },
      'dynamic-no-provider',
      /no input "onne"|onne/,
    ],
    [
      'an unknown extern',
      { registered: [one], bind: [{ extern: 'ff', target: 'f' }] },
      'dynamic-no-extern',
      /no extern "ff"[\s\S]*"f"/,
    ],
    [
      'nothing',
      {},
      'dynamic-undefined',
      /neither here nor by a loaded object[\s\S]*extern int f[\s\S]*referred to by user\.o: "p"[\s\S]*load the one that defines it first/,
    ],
  ] as const)('%s is refused', (_, scope, code, words) => {
    const { problems } = findDefinitions(user, scopeOf(scope), false);
    expect(problems.map(problem => problem.code)).toContain(code);
    const text = problems
      .map(({ message, details, hint }) => [message, ...(details ?? []), hint].join('\n'))
      .join('\n');
    expect(text).toMatch(words);
  });
});
