import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { BtfBuilder } from '../../btf/model/builder.ts';
import { toRaw } from '../../btf/model/to-raw.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { type LinkOptions, type LinkSuccess, link } from '../link.ts';

const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });
const program = (name: string, ...calls: string[]): SymbolSpec => ({ ...fn(name, ...calls), section: 'xdp' });

function collected(specs: readonly SymbolSpec[], options: LinkOptions = {}): LinkSuccess {
  return linked([objectOf('a.o', specs)], options);
}

function linked(objects: readonly BpfObject[], options: LinkOptions): LinkSuccess {
  const result = link(objects, { gcSections: true, ...options });
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result;
}

const names = (result: LinkSuccess): string[] => result.object.symbols.map(symbol => symbol.name).sort();
const typeNames = ({ object: { btf } }: LinkSuccess): string[] =>
  Array.from({ length: btf?.count ?? 0 }, (_, id) => btf?.nameOf(id + 1) ?? '').filter(name => name !== '');

describe('what stays', () => {
  test('is what programs reach, with the types of that', () => {
    const result = collected([
      program('main', 'used'),
      fn('used', 'deeper'),
      { ...fn('deeper'), binding: 'local', size: 8 },
      { ...fn('unused', 'deeper', 'only_unused'), size: 2 },
      fn('only_unused'),
      { name: 'counter', kind: 'variable', size: 1 },
    ]);
    expect(names(result)).toEqual(['deeper', 'main', 'used']);
    expect(typeNames(result).sort()).toEqual(['deeper', 'main', 's32', 's64', 'used']);
  });

  test('is everything that is kept by name, and what it needs', () => {
    const specs = [program('main'), fn('api', 'helper'), fn('helper'), fn('unused')];
    expect(names(collected(specs, { keep: ['api'] }))).toEqual(['api', 'helper', 'main']);
  });

  test('is what loaders look for by section', () => {
    const specs: SymbolSpec[] = [
      program('main'),
      { name: 'LICENSE', kind: 'variable', section: 'license', size: 4 },
      { name: 'table', kind: 'variable', section: '.struct_ops', size: 8 },
      { name: 'config', kind: 'variable', section: '.xdp_run_config', size: 8 },
      { name: 'data', kind: 'variable', section: '.data.custom', size: 8 },
    ];
    expect(names(collected(specs))).toEqual(['LICENSE', 'config', 'main', 'table']);
  });

  test('is the exception call-back that a program names in a tag', () => {
    const object = objectOf('a.o', [program('main'), fn('handler', 'log'), fn('log'), fn('other')]);
    const main = object.symbols.find(symbol => symbol.name === 'main');
    if (object.btf === null || main === undefined) throw new Error('no types');
    const btf = new BtfBuilder(toRaw(object.btf));
    btf.add({
      kind: 'decl_tag',
      name: 'exception_callback:handler',
      type: main.btfId,
      component: -1,
      attribute: false,
    });
    const tagged = { ...object, btf: btf.build() };
    const result = linked([tagged], { whyLive: ['log'] });
    expect(names(result)).toEqual(['handler', 'log', 'main']);
    expect(result.livePaths).toEqual([{ name: 'log', path: ['main', 'handler', 'log'] }]);
  });

  test('is the arena of variables, and what bpftool prints', () => {
    const specs: SymbolSpec[] = [
      { ...program('main'), uses: ['seen'] },
      { name: 'seen', kind: 'variable', section: '.addr_space.1' },
      { name: 'unseen', kind: 'variable', section: '.addr_space.1' },
      { name: 'bpf_metadata_author', kind: 'variable', section: '.rodata' },
      { name: 'constant', kind: 'variable', section: '.rodata' },
      { name: 'arena', kind: 'map', mapType: 33 },
      { name: 'table', kind: 'map' },
    ];
    const result = collected(specs, { whyLive: ['arena'] });
    expect(names(result)).toEqual(['arena', 'bpf_metadata_author', 'main', 'seen']);
    expect(result.livePaths).toEqual([{ name: 'arena', path: ['main', 'seen', 'arena'] }]);
  });

  test('is everything without the option', () => {
    const specs = [program('main'), fn('unused')];
    expect(names(collected(specs, { gcSections: false }))).toEqual(['main', 'unused']);
  });

  test('is little where there is no program, which is said', () => {
    const specs = [fn('lib'), { name: 'LICENSE', kind: 'variable', section: 'license' } as const];
    const result = collected(specs);
    expect(names(result)).toEqual(['LICENSE']);
    expect(result.notes).toEqual([expect.stringContaining('no input has a program')]);
    expect(collected(specs, { keep: ['lib'] }).notes).toEqual([]);
  });
});

test('functions that only call each other go', () => {
  expect(names(collected([program('main'), fn('ping', 'pong'), fn('pong', 'ping')]))).toEqual(['main']);
});

describe('a name that nothing defines', () => {
  const needs = (name: string): SymbolSpec[] => [fn(name, 'gone'), { name: 'gone', kind: 'extern function' }];

  test('is no error where only unused code needs it', () => {
    const result = collected([program('main'), ...needs('unused')]);
    expect(names(result)).toEqual(['main']);
    expect(result.report.unresolved).toEqual([]);
  });

  test('is one where a program does', () => {
    const result = link([objectOf('a.o', [program('main', 'used'), ...needs('used')])], { gcSections: true });
    expect(result.ok ? [] : result.problems.map(problem => problem.code)).toEqual(['link-undefined']);
  });

  test('stays open in a partial link', () => {
    const result = collected([program('main', 'used'), ...needs('used')], { partial: true });
    expect(result.report.unresolved).toEqual(['gone']);
  });
});

describe('reports', () => {
  const specs = [program('main', 'used'), fn('used'), fn('unused'), { name: 'v', kind: 'variable' } as const];

  test('list what went, with kind, size and file', () => {
    expect(collected(specs).report.discarded).toEqual([
      { name: 'unused', kind: 'function', file: 'a.o', size: 16, reason: 'unused', winner: null },
      { name: 'v', kind: 'variable', file: 'a.o', size: 4, reason: 'unused', winner: null },
    ]);
  });

  test('say by which path something is kept', () => {
    const { livePaths } = collected(specs, { keep: ['v'], whyLive: ['used', 'v', 'unused'] });
    expect(livePaths).toEqual([
      { name: 'used', path: ['main', 'used'] },
      { name: 'v', path: ['v'] },
      { name: 'unused', path: [] },
    ]);
  });

  test('count the types before and after', () => {
    const { types } = collected(specs).report;
    expect(types.after).toBeLessThan(types.before);
  });
});

test('names that nothing has are told, all of them', () => {
  const objects = [objectOf('a.o', [program('main'), fn('helper')])];
  const result = link(objects, { gcSections: true, keep: ['helpre'], whyLive: ['x', 'main'] });
  expect(result.ok ? [] : result.problems).toMatchObject([
    {
      code: 'link-unknown-symbol',
      class: 'usage',
      message: '--keep "helpre": no input has such a symbol',
      hint: 'did you mean "helper"?',
    },
    { code: 'link-unknown-symbol', message: '--why-live "x": no input has such a symbol' },
  ]);
});
