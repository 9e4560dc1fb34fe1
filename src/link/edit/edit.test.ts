import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { BtfBuilder } from '../../btf/model/builder.ts';
import { toRaw } from '../../btf/model/to-raw.ts';
import { type BpfObject, type BpfSymbol, sectionOf } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { link } from '../link.ts';
import {
  globalizeSymbols,
  hideSymbols,
  keepGlobalSymbols,
  localizeSymbols,
  weakenSymbols,
} from './binding.ts';
import { type Edited, prefixSymbols, redefineSymbols } from './rename.ts';
import { type EditOptions, parseSelector } from './requests.ts';
import { renameSections } from './sections.ts';

const extern = (name: string): SymbolSpec => ({ name, kind: 'extern function' });
const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });
const local = (spec: SymbolSpec): SymbolSpec => ({ ...spec, binding: 'local' });
const variable = (name: string, section = '.data'): SymbolSpec => ({ name, kind: 'variable', section });
const program = (name: string, ...calls: string[]): SymbolSpec => ({ ...fn(name, ...calls), section: 'xdp' });

function done({ object, problems }: Edited): BpfObject {
  expect(problems).toEqual([]);
  return object;
}

function symbol(object: BpfObject, name: string): BpfSymbol {
  const found = object.symbols.find(candidate => candidate.name === name);
  if (found === undefined)
    throw new Error(`no ${name} among ${object.symbols.map(one => one.name).join(' ')}`);
  return found;
}

/** Name, binding and visibility of a symbol, and name and linkage of its type. */
function standing(object: BpfObject, name: string): string {
  const { binding, visibility, btfId } = symbol(object, name);
  const type = object.btf?.type(btfId);
  const described =
    type?.kind === 'func' || type?.kind === 'var' ? `${type.name} ${type.linkage}` : 'no type';
  return `${binding} ${visibility}, ${described}`;
}

function calls(object: BpfObject, name: string): string[] {
  const found = symbol(object, name);
  if (found.kind !== 'function') throw new Error(`${name} is not a function`);
  return found.references.map(reference => object.symbols[reference.symbol]?.name ?? '');
}

const names = (object: BpfObject): string[] => object.symbols.map(one => one.name).sort();

function linked(objects: readonly BpfObject[], edits: EditOptions): BpfObject {
  const result = link(objects, { edits });
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result.object;
}

function refused(objects: readonly BpfObject[], edits: EditOptions) {
  const result = link(objects, { edits });
  return result.ok ? [] : result.problems;
}

describe('new names', () => {
  const object = objectOf('a.o', [
    program('main', 'foo', 'bar', 'inner', 'out'),
    fn('foo'),
    fn('bar'),
    local(fn('inner')),
    variable('data'),
    extern('out'),
  ]);

  test('are those of symbol and type, and references follow', () => {
    const renames = [
      { from: 'foo', to: 'fresh' },
      { from: 'inner', to: 'deep' },
      { from: 'data', to: 'store' },
      { from: 'out', to: 'elsewhere' },
    ];
    const renamed = done(redefineSymbols(object, renames));
    expect(calls(renamed, 'main')).toEqual(['fresh', 'bar', 'deep', 'elsewhere']);
    expect(['fresh', 'deep', 'store', 'elsewhere'].map(name => standing(renamed, name))).toEqual([
      'global default, fresh global',
      'local default, deep static',
      'global default, store global',
      'global default, elsewhere extern',
    ]);
    const again = readObject({ name: 'again.o', bytes: writeObject(renamed) });
    expect(standing(again, 'store')).toBe('global default, store global');
  });

  test('may change places', () => {
    const renames = [
      { from: 'foo', to: 'bar' },
      { from: 'bar', to: 'foo' },
    ];
    expect(calls(done(redefineSymbols(object, renames)), 'main').slice(0, 2)).toEqual(['bar', 'foo']);
  });

  test('satisfy an extern of that name', () => {
    const renamed = done(redefineSymbols(object, [{ from: 'foo', to: 'out' }]));
    expect(names(renamed)).toEqual(['bar', 'data', 'inner', 'main', 'out']);
    expect(calls(renamed, 'main')).toEqual(['out', 'bar', 'inner', 'out']);
  });

  test('satisfy it only with the same type', () => {
    const { problems } = redefineSymbols(object, [{ from: 'data', to: 'out' }]);
    expect(problems).toMatchObject([{ code: 'link-kind-mismatch', where: ['a.o'] }]);
  });

  const bad = [
    {
      what: 'one that is taken',
      renames: [{ from: 'foo', to: 'bar' }],
      problem: {
        code: 'link-name-taken',
        where: ['a.o'],
        message: '"foo" would get the name "bar", which it defines already',
      },
    },
    {
      what: 'one that a static function has',
      renames: [{ from: 'foo', to: 'inner' }],
      problem: {
        code: 'link-name-taken',
        message: '"foo" would get the name "inner", which it defines already',
      },
    },
    {
      what: 'one for two',
      renames: [
        { from: 'foo', to: 'x' },
        { from: 'bar', to: 'x' },
      ],
      problem: {
        code: 'link-name-taken',
        message: '"foo" would get the name "x", and so would "bar": one of them has to stay',
      },
    },
    {
      what: 'two for one',
      renames: [
        { from: 'foo', to: 'x' },
        { from: 'foo', to: 'y' },
      ],
      problem: { code: 'link-rename-twice', message: '"foo" cannot become both "x" and "y"' },
    },
    {
      what: 'for what is not there',
      renames: [{ from: 'fooo', to: 'x' }],
      problem: {
        code: 'link-unknown-symbol',
        message: 'cannot rename "fooo": there is no such symbol',
        hint: 'did you mean "foo"?',
      },
    },
    {
      what: 'one that C does not know',
      renames: [{ from: 'foo', to: '1x' }],
      problem: { code: 'link-bad-name', message: '"1x" cannot be the name of a symbol' },
    },
  ];
  test.each(bad)('that are refused: $what', ({ renames, problem }) => {
    const outcome = redefineSymbols(object, renames);
    expect(outcome.problems).toEqual([expect.objectContaining(problem)]);
    expect(outcome.object).toBe(object);
  });

  test('do not touch others that share a type', () => {
    const two = objectOf('two.o', [local(fn('foo')), local(fn('other'))]);
    const { btfId } = symbol(two, 'foo');
    const sharing = { ...two, symbols: two.symbols.map(one => ({ ...one, btfId })) };
    const renamed = done(redefineSymbols(sharing, [{ from: 'foo', to: 'x' }]));
    const result = done(globalizeSymbols(renamed, ['x']));
    expect(standing(result, 'x')).toBe('global default, x global');
    expect(standing(result, 'other')).toBe('local default, foo static');
  });

  test('are followed by tags that name an exception callback', () => {
    const plain = objectOf('a.o', [program('main'), fn('handler')]);
    const btf = new BtfBuilder(toRaw(plain.btf ?? new BtfBuilder().build()));
    const tag = {
      kind: 'decl_tag',
      type: symbol(plain, 'main').btfId,
      component: -1,
      attribute: false,
    } as const;
    const id = btf.add({ ...tag, name: 'exception_callback:handler' });
    const renamed = done(redefineSymbols({ ...plain, btf: btf.build() }, [{ from: 'handler', to: 'fresh' }]));
    expect(renamed.btf?.nameOf(id)).toBe('exception_callback:fresh');
    expect(localizeSymbols(renamed, ['fresh']).problems).toMatchObject([{ code: 'link-localize-callback' }]);
  });

  test('in a link are for all files, or for one, which counts more', () => {
    const other = objectOf('dir/b.o', [fn('use', 'foo'), extern('foo')]);
    expect(
      names(linked([object, other, objectOf('c.o', [fn('out')])], { redefine: [{ from: 'foo', to: 'x' }] })),
    ).toEqual(['bar', 'data', 'inner', 'main', 'out', 'use', 'x']);
    const redefine = [
      { from: 'foo', to: 'x' },
      { from: 'foo', to: 'bar', file: 'b.o' },
    ];
    const result = linked([object, other, objectOf('c.o', [fn('out')])], { redefine });
    expect(calls(result, 'use')).toEqual(['bar']);
    expect(calls(result, 'main')[0]).toBe('x');
  });

  test('in a link: all that is wrong is reported', () => {
    const redefine = [
      { from: 'fooo', to: 'x' },
      { from: 'foo', to: 'x', file: 'zzz.o' },
      { from: 'bar', to: 'foo', file: 'a.o' },
    ];
    expect(refused([object], { redefine })).toMatchObject([
      { code: 'link-no-input', class: 'usage', message: 'there is no input "zzz.o"; there are: "a.o"' },
      { code: 'link-name-taken', where: ['a.o'] },
      { code: 'link-unknown-symbol', where: [], message: 'cannot rename "fooo": there is no such symbol' },
    ]);
  });
});

describe('prefixes', () => {
  const object = objectOf('a.o', [
    program('main', 'foo', 'inner', 'out'),
    fn('foo'),
    local(fn('inner')),
    variable('LICENSE', 'license'),
    extern('out'),
  ]);

  test('are for what the object defines for others', () => {
    const prefixed = done(prefixSymbols(object, 'p_'));
    expect(names(prefixed)).toEqual(['LICENSE', 'inner', 'out', 'p_foo', 'p_main']);
    expect(calls(prefixed, 'p_main')).toEqual(['p_foo', 'inner', 'out']);
    expect(standing(prefixed, 'p_foo')).toBe('global default, p_foo global');
  });

  test('and new names of programs are followed by their run configuration for libxdp', () => {
    const configured = objectOf('a.o', [program('main'), variable('_main', '.xdp_run_config')]);
    expect(names(done(prefixSymbols(configured, 'p_')))).toEqual(['_p_main', 'p_main']);
    expect(names(done(redefineSymbols(configured, [{ from: 'main', to: 'entry' }])))).toEqual([
      '_entry',
      'entry',
    ]);
  });

  test('let two files of the same names be linked', () => {
    const plain = objectOf('b.o', [program('main', 'foo'), fn('foo')]);
    const result = linked([plain, object, objectOf('c.o', [fn('out')])], {
      prefix: [{ file: 'a.o', prefix: 'p_' }],
    });
    expect(calls(result, 'main')).toEqual(['foo']);
    expect(calls(result, 'p_main')).toEqual(['p_foo', 'inner', 'out']);
  });

  test('that make a name which is there already are refused', () => {
    const clash = objectOf('a.o', [fn('foo'), local(fn('p_foo'))]);
    expect(prefixSymbols(clash, 'p_').problems).toMatchObject([
      { code: 'link-name-taken', message: '"foo" would get the name "p_foo", which it defines already' },
    ]);
    expect(prefixSymbols(clash, 'p-').problems).toMatchObject([{ code: 'link-bad-name' }]);
  });
});

describe('standing', () => {
  const object = objectOf('a.o', [
    program('main', 'foo', 'inner', 'out'),
    fn('foo'),
    local(fn('inner')),
    variable('data'),
    local(variable('hidden')),
    variable('LICENSE', 'license'),
    extern('out'),
  ]);

  test.each([
    ['localize', localizeSymbols, 'foo', 'local default, foo static'],
    ['localize', localizeSymbols, 'data', 'local default, data static'],
    ['localize', localizeSymbols, 'inner', 'local default, inner static'],
    ['globalize', globalizeSymbols, 'inner', 'global default, inner global'],
    ['globalize', globalizeSymbols, 'hidden', 'global default, hidden global'],
    ['globalize', globalizeSymbols, 'foo', 'global default, foo global'],
    ['hide', hideSymbols, 'foo', 'global hidden, foo global'],
    ['hide', hideSymbols, 'out', 'global hidden, out extern'],
    ['weaken', weakenSymbols, 'foo', 'weak default, foo global'],
    ['weaken', weakenSymbols, 'out', 'weak default, out extern'],
  ] as const)('%s %o', (_, pass, name, wanted) => {
    const changed = done(pass(object, [name]));
    expect(standing(changed, name)).toBe(wanted);
    const again = readObject({ name: 'again.o', bytes: writeObject(changed) });
    expect(standing(again, name)).toBe(wanted);
  });

  test.each([
    [
      'localize',
      localizeSymbols,
      'main',
      'link-localize-program',
      'cannot become static: it is a program (section "xdp"), which loaders must find',
    ],
    [
      'localize',
      localizeSymbols,
      'out',
      'link-localize-extern',
      'cannot become static: it is not defined here',
    ],
    ['weaken', weakenSymbols, 'inner', 'link-weaken-static', 'cannot become weak: it is static'],
    ['hide', hideSymbols, 'nothing', 'link-unknown-symbol', 'cannot hide "nothing": there is no such symbol'],
    ['globalize', globalizeSymbols, 'nothing', 'link-unknown-symbol', 'there is no such symbol'],
  ] as const)('%s is refused for %o', (_, pass, name, code, text) => {
    const outcome = pass(object, [name]);
    expect(outcome.problems).toMatchObject([{ code }]);
    expect(outcome.problems[0]?.message).toContain(text);
    expect(outcome.object).toBe(object);
  });

  test('maps stay global, since loaders refuse static ones', () => {
    const data = symbol(object, 'data');
    if (data.kind !== 'variable' || data.bytes === null) throw new Error('no data');
    const { common: _, ...rest } = data;
    const map = { ...rest, kind: 'map', bytes: data.bytes } as const;
    const withMap = { ...object, symbols: object.symbols.map(one => (one === data ? map : one)) };
    expect(localizeSymbols(withMap, ['data']).problems).toMatchObject([{ code: 'link-localize-map' }]);
    expect(standing(done(keepGlobalSymbols(withMap, [])), 'data')).toBe('global default, data global');
  });

  test('keep-global leaves programs, the license and externs alone', () => {
    const changed = done(keepGlobalSymbols(object, ['data']));
    const globals = changed.symbols.filter(one => one.binding !== 'local').map(one => one.name);
    expect(globals.sort()).toEqual(['LICENSE', 'data', 'main', 'out']);
    expect(keepGlobalSymbols(object, ['dta', 'inner']).problems).toMatchObject([
      { code: 'link-unknown-symbol', message: 'cannot keep "dta": there is no such symbol' },
      { code: 'link-unknown-symbol', message: 'cannot keep "inner": there is no such symbol' },
    ]);
  });

  test('a static name of several files cannot become global', () => {
    const inputs = [object, objectOf('b.o', [local(fn('inner'))]), objectOf('c.o', [fn('out')])];
    expect(refused(inputs, { globalize: [{ name: 'inner' }] })).toEqual([
      expect.objectContaining({
        code: 'link-globalize-ambiguous',
        message: '"inner" cannot become global: 2 symbols have that name',
        details: ['a.o: static function', 'b.o: static function'],
      }),
    ]);
    const result = linked(inputs, { globalize: [{ name: 'inner', file: 'b.o' }] });
    expect(standing(result, 'inner')).toBe('global default, inner global');
    expect(standing(result, 'inner__2')).toBe('local default, inner__2 static');
  });

  test('with a file comes before resolution, without one after it', () => {
    const inputs = [objectOf('a.o', [fn('use', 'foo'), extern('foo')]), objectOf('b.o', [fn('foo')])];
    expect(standing(linked(inputs, { localize: [{ name: 'foo' }] }), 'foo')).toBe(
      'local default, foo static',
    );
    expect(
      refused(inputs, { localize: [{ name: 'foo', file: 'b.o' }] }).map(problem => problem.code),
    ).toEqual(['link-undefined']);
    const kept = linked(inputs, { keepGlobal: [{ name: 'use' }] });
    expect([standing(kept, 'foo'), standing(kept, 'use')]).toEqual([
      'local default, foo static',
      'global default, use global',
    ]);
    expect(standing(linked(inputs, { hide: [{ name: 'foo' }] }), 'foo')).toBe('global hidden, foo global');
  });

  test('a global function is found by others once it is global', () => {
    const inputs = [objectOf('a.o', [fn('use', 'foo'), extern('foo')]), objectOf('b.o', [local(fn('foo'))])];
    expect(refused(inputs, {}).map(problem => problem.code)).toEqual(['link-undefined']);
    expect(calls(linked(inputs, { globalize: [{ name: 'foo', file: 'b.o' }] }), 'use')).toEqual(['foo']);
  });

  test('a weak definition yields', () => {
    const inputs = [
      objectOf('a.o', [{ ...fn('foo'), value: 1 }]),
      objectOf('b.o', [{ ...fn('foo'), value: 2 }]),
    ];
    const result = linked(inputs, { weaken: [{ name: 'foo', file: 'a.o' }] });
    const foo = symbol(result, 'foo');
    expect(foo.kind === 'function' && foo.origin.file).toBe('b.o');
  });

  test('a keep-global list of one file is for that file', () => {
    const inputs = [objectOf('a.o', [fn('foo'), fn('api', 'foo')]), objectOf('b.o', [fn('foo')])];
    const result = linked(inputs, { keepGlobal: [{ name: 'api', file: 'a.o' }] });
    expect(standing(result, 'foo')).toBe('global default, foo global');
    expect(standing(result, 'foo__2')).toBe('local default, foo__2 static');
    expect(calls(result, 'api')).toEqual(['foo__2']);
  });

  test('names that compilers made cannot become global', () => {
    const inner = objectOf('a.o', [local(variable('count.state'))]);
    expect(globalizeSymbols(inner, ['count.state']).problems).toMatchObject([{ code: 'link-scoped-name' }]);
  });
});

describe('sections', () => {
  const object = objectOf('a.o', [
    program('main'),
    fn('foo'),
    variable('data', '.data.cfg'),
    variable('zero', '.bss'),
    variable('one'),
  ]);
  const sectionNameOf = (result: BpfObject, name: string): string | undefined =>
    sectionOf(result, symbol(result, name))?.name;

  test('get other names', () => {
    const result = done(
      renameSections(object, [
        { from: 'xdp', to: 'tc' },
        { from: '.data.cfg', to: '.rodata.cfg' },
      ]),
    );
    expect(sectionNameOf(result, 'main')).toBe('tc');
    expect(sectionNameOf(result, 'data')).toBe('.rodata.cfg');
    expect(result.sections.find(section => section.name === '.rodata.cfg')?.flags).toBe(2);
    const again = readObject({ name: 'again.o', bytes: writeObject(result) });
    expect(sectionNameOf(again, 'data')).toBe('.rodata.cfg');
    expect(standing(again, 'data')).toBe('global default, data global');
  });

  test('that meet become one, with the zeros of .bss written out', () => {
    const result = done(renameSections(object, [{ from: '.bss', to: '.data' }]));
    const zero = symbol(result, 'zero');
    expect(zero.kind === 'variable' && zero.bytes).toEqual(new Uint8Array(4));
    expect(sectionNameOf(result, 'zero')).toBe('.data');
    expect(result.sections.filter(section => section.name === '.data')).toHaveLength(1);
    readObject({ name: 'again.o', bytes: writeObject(result) });
  });

  test('may change places', () => {
    const result = done(
      renameSections(object, [
        { from: '.data.cfg', to: '.data' },
        { from: '.data', to: '.data.cfg' },
      ]),
    );
    expect([sectionNameOf(result, 'data'), sectionNameOf(result, 'one')]).toEqual(['.data', '.data.cfg']);
  });

  test('of externs follow', () => {
    const user = objectOf('b.o', [{ name: 'far', kind: 'extern variable', section: '.data.cfg' }]);
    const result = done(renameSections(user, [{ from: '.data.cfg', to: '.data.x' }]));
    expect(symbol(result, 'far')).toMatchObject({ section: '.data.x' });
  });

  test.each([
    ['xdp', '.data', 'it holds code, and the name is reserved for data'],
    ['.data', 'tc', 'it holds data, and the name is reserved for code'],
    ['.data', '.maps', 'it holds data, and the name is reserved for maps'],
    ['.data', '.bss', 'it has bytes, and loaders expect none there'],
    ['.data', '.ksyms', 'the name specifies where a loader looks for externs'],
  ])('%s does not become %s', (from, to, why) => {
    expect(renameSections(object, [{ from, to }]).problems).toMatchObject([
      {
        code: 'link-section-role',
        where: ['a.o', `section "${from}"`],
        message: `cannot be renamed to "${to}": ${why}`,
      },
    ]);
  });

  test('of another role do not meet', () => {
    const odd = objectOf('a.o', [{ ...fn('f'), section: 'odd' }, variable('v', 'even')]);
    expect(renameSections(odd, [{ from: 'odd', to: 'even' }]).problems.map(problem => problem.code)).toEqual([
      'link-section-role',
    ]);
  });

  test('that are not there are reported', () => {
    expect(renameSections(object, [{ from: '.dta', to: '.x' }]).problems).toMatchObject([
      { code: 'link-unknown-section', hint: 'did you mean ".data"?' },
    ]);
    const renames = [
      { from: '.nowhere', to: '.x' },
      { from: '.data', to: '.data.y', file: 'a.o' },
    ];
    expect(refused([object, objectOf('b.o', [variable('w')])], { renameSections: renames })).toMatchObject([
      { code: 'link-unknown-section', message: 'cannot rename section ".nowhere": there is no such section' },
    ]);
  });

  test('of one file are renamed alone', () => {
    const other = objectOf('b.o', [variable('w')]);
    const result = linked([object, other], {
      renameSections: [{ from: '.data', to: '.data.y', file: 'b.o' }],
    });
    expect([sectionNameOf(result, 'one'), sectionNameOf(result, 'w')]).toEqual(['.data', '.data.y']);
  });
});

test('nothing requested changes nothing', () => {
  const object = objectOf('a.o', [program('main', 'foo'), fn('foo')]);
  const plain = link([object]);
  const asked = link([object], { edits: {} });
  if (!plain.ok || !asked.ok) throw new Error('refused');
  expect(writeObject(asked.object)).toEqual(writeObject(plain.object));
});

test('selectors', () => {
  expect(parseSelector('foo')).toEqual({ name: 'foo' });
  expect(parseSelector('dir/a.o:foo')).toEqual({ file: 'dir/a.o', name: 'foo' });
  expect(parseSelector('C:\\a.o:foo')).toEqual({ file: 'C:\\a.o', name: 'foo' });
});
