/**
 * Types of replacements: the kernel compares the prototype of a component with that of its slot as it is written, so
 * that entry points of every spelling have the slot's. Judged by the types that would be loaded; no kernel.
 */

import { expect, test } from 'vitest';
import { formatFunc } from '../../../src/btf/index.ts';
import { describedParts, requireFitting } from '../../../src/dynamic/fit/fit.ts';
import { plannedExt } from '../../../src/dynamic/slots/ext.ts';
import { FakeSys } from '../../../src/kernel/sys/fake.ts';
import { comparePrototypes } from '../../../src/link/resolve/prototypes.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { FreshNames } from '../../../src/state/fresh.ts';
import { BPF_PROG_TYPE_XDP } from '../../../src/uapi/program-types.ts';
import { needs } from '../../support/needs.ts';
import { stripped } from '../../support/without-types.ts';
import { compileAll, HEAD } from './support.ts';

const TAG = '__attribute__((btf_decl_tag("arg:ctx")))';
const part = (prototype: string, types = ''): string =>
  `${HEAD}${types} SEC("xdp") ${prototype} { return 1; }`;
const HOST = (result: string): string => `${HEAD} enum verdict { PASS = 2, DROP = 1 };
__weak __noinline ${result} slot(struct xdp_md *ctx) { volatile ${result} r = 2; return r; }
SEC("xdp") int host(struct xdp_md *ctx) { return slot(ctx); }`;
const HOSTS = { int: HOST('int'), unsigned: HOST('__u32'), enum: HOST('enum verdict') };
const PARTS = {
  same: part('int p(struct xdp_md *ctx)'),
  long: part('long p(struct xdp_md *ctx)'),
  short: part('short p(struct xdp_md *ctx)'),
  wide: part('__u64 p(struct xdp_md *ctx)'),
  unsigned: part('__u32 p(struct xdp_md *ctx)'),
  enum: part('enum e p(struct xdp_md *ctx)', 'enum e { A, B, C };'),
  void_pointer: part('int p(void *ctx)'),
  tagged: part(`int p(void *ctx ${TAG})`),
  own_struct: part('int p(struct mine *ctx)', 'struct mine { int data; };'),
  nothing: part('int p(void)'),
  typedefs: part('verdict p(const context *ctx)', 'typedef long verdict; typedef struct xdp_md context;'),
};

const clang = needs('clang');

clang.describe('replacements', () => {
  const hosts = clang.reason === undefined ? compileAll(HOSTS) : undefined;
  const parts = clang.reason === undefined ? compileAll(PARTS) : undefined;
  if (hosts === undefined || parts === undefined) return;
  const files = { ...parts, untyped: stripped(parts.same) };
  const names = Object.keys(files) as (keyof typeof files)[]; // as declared above
  const rows = Object.keys(HOSTS).flatMap(host =>
    names.map(name => [host as keyof typeof HOSTS, name] as const),
  );

  const funcOf = (object: BpfObject, name: string) => {
    const symbol = object.symbols.find(one => one.kind === 'function' && one.name === name);
    if (object.btf === null || symbol === undefined) throw new Error(`no types for ${name}`);
    return { btf: object.btf, func: symbol.btfId };
  };

  test.each(rows)('slot with %s, component %s', (host, name) => {
    const rootlet = InputObject.from(hosts[host]).object;
    const file = InputObject.from(files[name]);
    const design = [{ object: file.object, fills: [{ slot: 'slot', file, component: 'part' }] }];
    requireFitting(rootlet, design, 'host', 'ext');
    const [described] = describedParts(rootlet, design, 'host');
    const [slot, program] = [funcOf(rootlet, 'slot'), funcOf(described?.object ?? file.object, 'p')];
    expect(comparePrototypes(slot, program, { progType: BPF_PROG_TYPE_XDP, strict: true })).toBeNull();
    expect(formatFunc(program.btf, program.func)).toMatch(/p\((const )?(struct xdp_md|context) \*/);
  });

  test('what is loaded has it', () => {
    const file = InputObject.from(files.void_pointer);
    const design = {
      rootlet: InputObject.from(hosts.int),
      fills: [{ slot: 'slot', file, component: 'part' }],
    };
    const context = {
      ...{ sys: new FakeSys(), options: {}, main: 'host', old: undefined, fresh: new FreshNames([]) },
      ...{ settings: new Map(), given: new Map(), adopted: new Map() },
    };
    const { parts: planned } = plannedExt(context, design);
    const types = planned[1]?.plan.types;
    const spelled = Array.from({ length: types?.count ?? 0 }, (_, at) => at + 1).flatMap(id =>
      types?.type(id).kind === 'func' ? [formatFunc(types, id)] : [],
    );
    expect(spelled).toContain('int p(struct xdp_md *ctx)');
  });
});
