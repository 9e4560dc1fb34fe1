/** Pinned maps of libraries, and externs that are bound to pinned maps. */

import { describe, expect, test } from 'vitest';
import { relink } from '../../../src/link/relink.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { archiveOf, memberOf } from '../../support/archives.ts';
import { objectOf, type SymbolSpec } from '../../support/objects.ts';
import { chained, firewall, inSlots, namesOf, ROOTLET, refusals, usesOf } from './shapes.ts';

const PIN: SymbolSpec = { name: 'list', kind: 'map', pinning: 1 };
const WIDE: SymbolSpec = { ...PIN, value: 9 };
const PLAIN: SymbolSpec = { name: 'list', kind: 'map' };

describe('libraries and bindings', () => {
  const lookup: SymbolSpec = { name: 'lookup', kind: 'function', uses: ['list'] };
  const bytes = archiveOf([memberOf(objectOf('m.o', [lookup, PIN]))]);
  const libraries = [{ name: 'lib.a', bytes }];
  const user = (letter: string, ...others: readonly SymbolSpec[]): BpfObject =>
    firewall(letter, { name: 'lookup', kind: 'extern function' }, ...others);

  test('each component has its copy of a member, and all of them one pinned map', () => {
    const result = chained(inSlots(user('a'), user('b')), { libraries });
    expect(namesOf(result, 'map')).toEqual(['list']);
    expect(usesOf(result, 'fw_b_lookup')).toEqual(['list']);
  });

  test('a component and a member of its library may pin the same map', () => {
    const result = chained(inSlots(user('a', PIN), user('b')), { libraries });
    expect(namesOf(result, 'map')).toEqual(['list']);
    expect(result.report.merged).toMatchObject([{ name: 'list' }]);
    const refused = refusals(inSlots(user('a', WIDE)), { libraries });
    expect(refused.map(([code]) => code)).toEqual(['link-map-mismatch']);
  });

  test('other definitions of one name in one scope are duplicates', () => {
    const codes = refusals(inSlots(user('a', PLAIN)), { libraries }).map(([code]) => code);
    expect(codes).toContain('link-duplicate');
  });

  test('the hint names a member as --redefine-sym does', () => {
    const assignments = inSlots(user('a'), firewall('b', WIDE));
    const result = relink(ROOTLET, assignments, { libraries });
    const hint = result.ok ? '' : (result.problems[0]?.hint ?? '');
    const [, file = '', to = ''] = /--redefine-sym (\S+):list=(\S+)$/.exec(hint) ?? [];
    expect(file).toBe('lib.a(m.o)');
    const redefine = [{ file, from: 'list', to }];
    expect(namesOf(chained(assignments, { libraries, edits: { redefine } }), 'map').sort()).toEqual([
      to,
      'list',
    ]);
  });

  test('an extern that is bound to one definition gets the one map', () => {
    const consumer = firewall('b', { name: 'theirs', kind: 'extern map', pinning: 1 }, PIN);
    const bind = [{ consumer: 'fw_b.o', extern: 'theirs', provider: 'fw_a.o', target: 'list' }];
    for (const files of [
      [firewall('a', PIN), consumer],
      [consumer, firewall('a', PIN)],
    ]) {
      const result = chained(inSlots(...files), { bind });
      expect(namesOf(result, 'map')).toEqual(['list']);
      expect(usesOf(result, 'b')).toEqual(['list', 'list']);
    }
  });
});
