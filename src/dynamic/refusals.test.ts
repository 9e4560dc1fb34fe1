/** One refusal for each code of this layer that needs no kernel, with the neighbour that is accepted. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../test/support/objects.ts';
import { editBtf } from '../btf/model/builder.ts';
import { platformError, RootletError } from '../diag/problem.ts';
import { BpfProgram } from '../kernel/objects/program.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { Fd } from '../kernel/sys/fd.ts';
import type { BpfObject } from '../object/model/model.ts';
import { Store, type StoreEntry } from '../store/store.ts';
import { BPF_F_SLEEPABLE } from '../uapi/flags.ts';
import { bindingProblem } from './bind/agreement.ts';
import { forcedProblem, objectionTo, situationOf } from './bind/choose.ts';
import { type DynamicBindRequest, findDefinitions } from './bind/find.ts';
import { explainBindings } from './bind/load.ts';
import { inputOf } from './entries/registry.ts';
import { decodeDynamic, encodeDynamic, NOTHING_STORED } from './entries/stored.ts';
import { afterSwitch } from './generation/after-switch.ts';
import { compose } from './providers/compose.ts';
import { openShared } from './providers/member.ts';
import type { Provider, ProviderImport } from './providers/provider.ts';
import { Replacements } from './providers/replacements.ts';
import { SLOTS, TailSlots } from './providers/tail-slots.ts';
import { replace } from './replace.ts';
import { slotFunction } from './slots/ext.ts';
import { readRelink } from './slots/store.ts';
import { ObjectEdit } from './stubs/object-edit.ts';

const coded = (code: string) => expect.objectContaining({ code });
const XDP = 6;

const fn = (name: string, more: Partial<SymbolSpec> = {}): SymbolSpec => ({
  name,
  kind: 'function',
  context: 'xdp_md',
  ...more,
});
const user = (extern: SymbolSpec): BpfObject =>
  objectOf('user.o', [
    fn('p', { section: 'xdp', ...(extern.kind.includes('func') ? { calls: ['f'] } : { uses: ['f'] }) }),
    extern,
  ]);
const EXTERN: SymbolSpec = { name: 'f', kind: 'extern function', context: 'xdp_md' };

function providerOf(object: BpfObject, imports: readonly ProviderImport[] = []): Provider {
  const name = object.name.replace('.o', '');
  const parts = { tail: new TailSlots(), replacements: new Replacements() };
  return { name, object, openMap: () => undefined, imports, ...parts };
}

/** Codes of the problems that the body throws. */
function codesOf(body: () => unknown): string[] {
  try {
    body();
    return [];
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return error.problems.map(({ code }) => code);
  }
}

describe('dynamic-bind-target: a request for what nothing exports', () => {
  const provider = providerOf(objectOf('one.o', [fn('g')]));
  const codes = (request: DynamicBindRequest, lazy = false) =>
    findDefinitions(user(EXTERN), { bind: [request], named: [], registered: [provider] }, lazy).problems.map(
      ({ code, message }) => [code, message],
    );
  test.each<readonly [DynamicBindRequest, string]>([
    [{ extern: 'f', target: 'h' }, '"f" is to be bound to "h", which no loaded object defines'],
    [{ extern: 'f', provider: 'one', target: 'h' }, 'does not export "h"'],
  ])('%j', (request, message) => {
    expect(codes(request)).toEqual([['dynamic-bind-target', message]]);
    expect(codes({ ...request, target: 'g' })).toEqual([]);
    expect(codes(request, true)).toEqual([]); // it may be loaded later
  });
});

describe('dynamic-type-mismatch: what a link of files accepts, and separate loads do not', () => {
  const variable = (kind: 'variable' | 'extern variable', signed: boolean) => {
    const object = kind === 'variable' ? objectOf('d.o', [{ name: 'f', kind, size: 1 }]) : undefined;
    const made = object ?? user({ name: 'f', kind, size: 1 });
    const { btf } = made;
    if (btf === null) throw new Error('no types');
    const edits = Array.from({ length: btf.count }, (_, at) => [at + 1, btf.type(at + 1)] as const).flatMap(
      ([id, type]) => (type.kind === 'int' && type.size === 1 ? [[id, { ...type, signed }] as const] : []),
    );
    const index = made.symbols.findIndex(({ name }) => name === 'f');
    return { object: { ...made, btf: editBtf(btf, new Map(edits)) }, index };
  };
  test.each([
    [false, false, null],
    [true, true, null],
    [true, false, 'dynamic-type-mismatch'],
    [false, true, 'dynamic-type-mismatch'],
  ])('signed: %s, and declared: %s', (defined, declared, code) => {
    const found = bindingProblem(variable('variable', defined), variable('extern variable', declared));
    expect(found?.code ?? null).toBe(code);
  });
});

test('dynamic-import-gone: a provider that was bound to what its own provider no longer has', () => {
  const base = (name: string) => providerOf(objectOf('base.o', [fn(name)]));
  const middle = objectOf('middle.o', [fn('f', { calls: ['g'] }), { ...EXTERN, name: 'g' }]);
  const extern = middle.symbols.findIndex(({ name }) => name === 'g');
  const target = middle.symbols.findIndex(({ name }) => name === 'f');
  const problems = (there: string) => {
    const imports = [{ extern, provider: base(there), target: 'g' }];
    const consumer = user(EXTERN);
    const own = consumer.symbols.findIndex(({ name }) => name === 'f');
    return compose(consumer, [{ extern: own, provider: providerOf(middle, imports), target }]).problems;
  };
  expect(problems('g')).toEqual([]);
  expect(problems('other')).toMatchObject([
    { code: 'dynamic-import-gone', where: ['middle'], message: expect.stringContaining('"g" of base') },
  ]);
});

test('dynamic-map-gone: a shared map that its provider no longer has', () => {
  const provider = providerOf(objectOf('one.o', [{ name: 'm', kind: 'map' }]));
  const shared = new Map([['m', { provider, name: 'm' }]]);
  const open = (name: string) => openShared(shared, { name } as Parameters<typeof openShared>[1]); // only its name counts
  expect(open('own')).toBeUndefined();
  expect(() => open('m')).toThrow(coded('dynamic-map-gone'));
});

describe('dynamic-no-types: objects that are edited have types', () => {
  const object = objectOf('a.o', [fn('f')]);
  test('the object', () => {
    expect(() => new ObjectEdit(object)).not.toThrow();
    expect(() => new ObjectEdit({ ...object, btf: null })).toThrow(coded('dynamic-no-types'));
  });
  test('the function', () => {
    const edit = new ObjectEdit(object);
    const id = object.symbols[0]?.kind === 'function' ? object.symbols[0].btfId : 0;
    expect(edit.namedPrototype(id)).toBeGreaterThan(0);
    for (const none of [0, 1]) expect(() => edit.namedPrototype(none)).toThrow(coded('dynamic-no-types'));
  });
});

describe('what no back end can bind', () => {
  // a function without parameters takes no context for a tail call; later code cannot be copied
  const consumer = user({ name: 'f', kind: 'extern function' });
  const index = consumer.symbols.findIndex(({ name }) => name === 'f');
  const sys = new FakeSys(({ name }) => (name === 'bpf' ? -1 : undefined));
  const situation = (noReplacement: string | undefined) =>
    situationOf(consumer, { extern: index, name: 'f' }, () => noReplacement);

  test('dynamic-no-way', () => {
    expect(codesOf(() => explainBindings(consumer, sys, { lazy: true }))).toEqual(['dynamic-no-way']);
    expect(codesOf(() => explainBindings(user(EXTERN), sys, { lazy: true }))).toEqual([]);
  });

  test('dynamic-via-kernel: only this kernel refuses', () => {
    const refused = situation('it refuses');
    const objection = objectionTo('ext', refused);
    expect(objection).toBe('it refuses');
    expect(forcedProblem('ext', refused, objection ?? '').code).toBe('dynamic-via-kernel');
    expect(objectionTo('ext', situation(undefined))).toBeUndefined();
    const byRule = objectionTo('tail', refused) ?? '';
    expect(forcedProblem('tail', refused, byRule).code).toBe('dynamic-via-refused');
  });
});

test('tail calls are not for sleepable programs', () => {
  const consumer = user(EXTERN);
  const extern = consumer.symbols.findIndex(({ name }) => name === 'f');
  const objection = (flags: number) => {
    const base = { progType: XDP, expectedAttachType: 0, attachBtf: false, attachTypeOptional: true };
    const typeOf = () => ({ ...base, flags });
    return objectionTo(
      'tail',
      situationOf(consumer, { extern, name: 'f' }, () => undefined, typeOf),
    );
  };
  expect(objection(0)).toBeUndefined();
  expect(objection(BPF_F_SLEEPABLE)).toBe('sleepable programs cannot use tail calls');
});

test('dynamic-slots-full: a provider with more functions than its array has entries', () => {
  const sys = new FakeSys();
  const slots = new TailSlots();
  const type = { progType: XDP, expectedAttachType: 0, flags: 0, attachBtf: false, attachTypeOptional: true };
  const array = slots.arrayFor(sys, type);
  const load = () => new BpfProgram(sys, Fd.adopt(sys, sys.openFd()), 'f', XDP);
  for (let at = 0; at < SLOTS; at++) expect(slots.entryFor(array, `f${at}`, load)).toBe(at);
  expect(() => slots.entryFor(array, 'one_more', load)).toThrow(coded('dynamic-slots-full'));
  expect(slots.entryFor(array, 'f7', load)).toBe(7);
  slots.close();
  expect([...sys.openFds]).toEqual([]);
});

test('relink-slot-gone: a slot that the verifier removed from the loaded program', () => {
  const functions = ['main', 'a'].map(name => ({ name }));
  const find = (slot: string) => slotFunction(functions, 'main', slot).name;
  expect([find('main'), find('a')]).toEqual(['main', 'a']);
  expect(() => find('b')).toThrow(coded('relink-slot-gone'));
});

test('dynamic-record: bindings that another version wrote', () => {
  const stored = encodeDynamic(NOTHING_STORED);
  expect(decodeDynamic({ dynamic: stored })).toEqual(NOTHING_STORED);
  expect(() => decodeDynamic({ dynamic: { ...stored, bindings: 'some' } })).toThrow(coded('dynamic-record'));
});

describe('records of the store', () => {
  const bytes = new Uint8Array([1]);
  const storeWith = (files: readonly (readonly [string, Uint8Array])[]): Store =>
    Object.create(Store.prototype, {
      files: { value: () => new Map(files) },
      object: { value: (_entry: StoreEntry, _key: string, file: unknown) => file },
      locked: { value: (body: () => unknown) => body() },
      find: { value: () => entry({}) },
    });
  const entry = (data: StoreEntry['record']['data']): StoreEntry => {
    const listed = { programs: [], maps: [], links: [] };
    const record = {
      version: 1 as const,
      kind: 'hook' as const,
      name: 'R',
      source: 'r.o',
      time: null,
      ...listed,
    };
    return { kind: 'hook', name: 'R', generation: 1, path: '/none', record: { ...record, data } };
  };
  const [whole, empty] = [storeWith([['object', bytes]]), storeWith([])];

  test('dynamic-no-object, relink-no-file: no file of the object', () => {
    expect(inputOf(whole, entry({}))).toMatchObject({ bytes });
    expect(() => inputOf(empty, entry({}))).toThrow(coded('dynamic-no-object'));
    expect(readRelink(whole, entry({}), 'p').design.fills).toEqual([]);
    expect(() => readRelink(empty, entry({}), 'p')).toThrow(coded('relink-no-file'));
  });

  test('relink-bound: slots of what is bound to loaded objects', () => {
    const binding = { extern: 'f', kind: 'function', provider: 'one', target: 'g' } as const;
    const how = { via: 'copy', reason: '', by: 'named', of: '', slot: null } as const;
    const dynamic = encodeDynamic({ ...NOTHING_STORED, bindings: [{ ...binding, ...how }] });
    expect(() => readRelink(whole, entry({ dynamic }), 'p')).toThrow(coded('relink-bound'));
  });

  test('replace-option: types of programs without a new file', () => {
    const change = (types: Readonly<Record<string, string>>) =>
      codesOf(() => replace(whole, 'hook', 'R', { options: { types }, dryRun: true }));
    expect(change({ p: 'xdp' })).toEqual(['replace-option']);
  });
});

test('replace-incomplete: what fails after the switch is of class partial', () => {
  expect(afterSwitch('here', () => 7)).toBe(7);
  const fail = () =>
    afterSwitch('here', () => {
      throw platformError('kernel-pin', ['x.o'], 'pinning: busy', { errno: 16 });
    });
  const problems = [expect.objectContaining({ code: 'replace-incomplete', class: 'partial' })];
  expect(fail).toThrow(expect.objectContaining({ problems }));
});
