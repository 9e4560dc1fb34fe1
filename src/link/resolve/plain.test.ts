/** What columns show of objects: the questions that passes ask before they look at symbols. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { Image } from '../../image/image.ts';
import { type BpfObject, licenseOf } from '../../object/model/model.ts';
import { objectOf as unitObject, unitOf } from '../../object/model/object-of.ts';
import { importObject } from '../../object/write/import.ts';
import {
  mayHaveFaults,
  mayHaveMoreVariables,
  mayHaveNamesakes,
  mayHavePinnedMaps,
  mayHaveSection,
  mayHaveStrayFunctions,
  mayHaveTags,
  mayLackFunctionTypes,
  statedLicense,
  variablesOfSections,
} from './plain.ts';

function inColumns(...specs: SymbolSpec[]): BpfObject {
  const image = new Image();
  return unitObject(image, importObject(image, objectOf('a.o', specs)));
}

const PLAIN: SymbolSpec[] = [
  { name: 'prog', kind: 'function', section: 'xdp', context: 'xdp_md' },
  { name: 'table', kind: 'map' },
  { name: 'count', kind: 'variable' },
];

const OTHERS: readonly (readonly [string, (object: BpfObject) => boolean, SymbolSpec])[] = [
  [
    'stray functions',
    mayHaveStrayFunctions,
    { name: 'own', kind: 'function', section: 'xdp', binding: 'local' },
  ],
  ['parts of .text', mayHaveStrayFunctions, { name: 'own', kind: 'function', section: '.text.own' }],
  ['namesakes', mayHaveNamesakes, { name: 'prog', kind: 'function', binding: 'local' }],
  ['pinned maps', mayHavePinnedMaps, { name: 'pin', kind: 'map', pinning: 1 }],
  [
    'sections',
    object => mayHaveSection(object, 'version'),
    { name: 'v', kind: 'variable', section: 'version' },
  ],
  ['variables', object => mayHaveMoreVariables(object, 1), { name: 'second', kind: 'variable' }],
];

describe('an object in columns', () => {
  test.each(OTHERS)('%s: only where they are', (_, ask, spec) => {
    expect(ask(inColumns(...PLAIN))).toBe(false);
    expect(ask(inColumns(...PLAIN, spec))).toBe(true);
  });

  test('has as many variables in each section as it has symbols', () => {
    const more: SymbolSpec[] = [
      { name: 'one', kind: 'variable', section: '.data' },
      { name: 'two', kind: 'variable', section: '.data' },
      { name: 'other', kind: 'variable', section: '.bss' },
    ];
    const object = inColumns(...PLAIN, ...more);
    const counts = variablesOfSections(object);
    expect(unitOf(object)).toBeDefined(); // no symbols were made
    const expected = object.sections.map(
      (_, index) =>
        object.symbols.filter(
          symbol => (symbol.kind === 'variable' || symbol.kind === 'map') && symbol.section === index,
        ).length,
    );
    expect(counts).toEqual(expected);
    expect(counts).toContain(3);
  });

  test('has neither faults nor tags nor functions without types', () => {
    const object = inColumns(...PLAIN);
    expect([mayHaveFaults(object), mayHaveTags(object, 'x:'), mayLackFunctionTypes(object)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('states the license that its symbols state', () => {
    const licensed = inColumns(...PLAIN, {
      name: '_license',
      kind: 'variable',
      section: 'license',
      value: 0x47,
    });
    expect([statedLicense(licensed), statedLicense(inColumns(...PLAIN))]).toEqual(['G', null]);
    expect(licenseOf(licensed)).toBe('G');
  });
});

test('of an object without columns nothing is known', () => {
  const object = objectOf('a.o', PLAIN);
  expect([mayHaveStrayFunctions(object), mayHavePinnedMaps(object), mayHaveFaults(object)]).toEqual([
    true,
    true,
    true,
  ]);
});
