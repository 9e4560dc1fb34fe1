/** Winners of random groups of symbols, compared with the rules in plain words, in every form of the kernel. */

import { expect, test } from 'vitest';
import { ATOM_BINDING, ATOM_KIND } from '../../image/codes.ts';
import type { Image } from '../../image/image.ts';
import { ATOM, GROUP, UNIT } from '../../image/layout.ts';
import { inEachForm } from '../../image/testing.ts';
import { REQUEST } from './request.ts';
import * as resolve from './resolve.kernel.ts';

interface Spec {
  readonly name: string;
  readonly kind: 'variable' | 'extern';
  readonly binding: 'local' | 'global' | 'weak';
  readonly common: boolean;
  readonly dropped: boolean;
  readonly hidden: boolean;
  readonly size: number;
  readonly section: string;
}

function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function randomSpecs(seed: number): readonly (readonly Spec[])[] {
  const next = randomNumbers(seed);
  const pick = <T>(...values: readonly [T, ...T[]]): T => values[next(values.length)] ?? values[0];
  const one = (): Spec => {
    const kind = pick('variable', 'extern');
    const isExtern = kind === 'extern';
    const common = !isExtern && next(4) === 0;
    const binding = isExtern ? pick('global', 'weak') : pick('local', 'global', 'weak', 'weak');
    return {
      name: pick('a', 'b', 'c', 'd'),
      kind,
      binding: common ? 'global' : binding,
      common,
      dropped: !isExtern && next(5) === 0,
      hidden: next(4) === 0,
      size: next(3) * 8,
      section: isExtern ? pick('', '.ksyms', '.kconfig', '.extern') : '',
    };
  };
  return Array.from({ length: 3 }, () => Array.from({ length: next(8) }, one));
}

function fill(
  image: Image,
  units: readonly (readonly Spec[])[],
): { request: number; rows: [number, Spec][] } {
  const rows: [number, Spec][] = [];
  const list = units.map(specs => {
    const unit = image.addUnit('');
    const first = image.addRows(ATOM, specs.length);
    image.set(UNIT.atoms, unit, first);
    image.set(UNIT.atomCount, unit, specs.length);
    for (const [index, spec] of specs.entries()) {
      const row = first + index;
      rows.push([row, spec]);
      image.set(ATOM.name, row, image.intern(spec.name));
      image.set(ATOM.kind, row, ATOM_KIND[spec.kind]);
      image.set(ATOM.binding, row, ATOM_BINDING[spec.binding]);
      image.set(ATOM.visibility, row, spec.hidden ? 1 : 0);
      image.set(ATOM.common, row, spec.common ? 1 : 0);
      image.set(ATOM.dropped, row, spec.dropped ? 1 : 0);
      image.set(ATOM.size, row, spec.size);
      image.set(ATOM.section, row, spec.kind === 'extern' ? image.intern(spec.section) : 0);
    }
    return unit;
  });
  const [ksyms, kconfig] = [image.intern('.ksyms'), image.intern('.kconfig')];
  // no section has the name of license or version: a variable without a section has NAME 0
  const [license, version] = [image.intern('license'), image.intern('version')];
  const units32 = image.add(new Uint8Array(Int32Array.from(list).buffer)) >> 2;
  const request = image.add(new Uint8Array(REQUEST.size * 4)) >> 2;
  const { words } = image;
  words.set([units32, list.length], request + REQUEST.units);
  words[request + REQUEST.ksyms] = ksyms;
  words[request + REQUEST.kconfig] = kconfig;
  words[request + REQUEST.license] = license;
  words[request + REQUEST.version] = version;
  return { request, rows };
}

/** What `resolve.ts` describes: strong, the largest tentative, weak, or the extern with the fullest declaration. */
function winnerOf(members: readonly [number, Spec][]): {
  winner: number;
  clashing: boolean;
  hidden: boolean;
} {
  const isKept = members.some(([, { kind, dropped }]) => kind === 'variable' && !dropped);
  const taken = members.filter(([, { dropped }]) => !isKept || !dropped);
  const defined = taken.filter(([, { kind }]) => kind === 'variable');
  const strong = defined.filter(([, { binding, common }]) => !common && binding !== 'weak');
  const commons = defined.filter(([, { common }]) => common).sort(([, a], [, b]) => b.size - a.size);
  const weak = defined.filter(([, { binding, common }]) => !common && binding === 'weak');
  const fullness = ({ section }: Spec): number => (section === '' ? 0 : section === '.extern' ? 1 : 2);
  const externs = [...members].sort(([, a], [, b]) => fullness(b) - fullness(a));
  const [best] = [...strong, ...commons, ...weak, ...externs];
  return {
    winner: best?.[0] ?? -1,
    clashing: strong.length > 1,
    hidden: taken.some(([, { hidden }]) => hidden),
  };
}

test.each(Array.from({ length: 30 }, (_, seed) => seed))('winners of random symbols (seed %i)', seed => {
  const specs = randomSpecs(seed);
  inEachForm(image => {
    const { request, rows } = fill(image, specs);
    const { groupAtoms, settleGroups } = image.run(resolve);
    const groups = groupAtoms(request);
    const clashes = settleGroups(request);
    const found = rows.filter(([, { binding }]) => binding !== 'local');
    const names = [...new Set(found.map(([, { name }]) => name))];
    expect(groups).toBe(names.length);
    const expected = names.map(name => winnerOf(found.filter(([, spec]) => spec.name === name)));
    const first = image.words[request + REQUEST.firstGroup] ?? -1;
    const settled = names.map((_, index) => ({
      winner: image.get(GROUP.winner, first + index),
      clashing: image.get(GROUP.clashing, first + index) === 1,
      hidden: image.get(GROUP.hidden, first + index) === 1,
    }));
    expect(settled).toEqual(expected);
    expect(clashes).toBe(expected.filter(({ clashing }) => clashing).length);
    expect(
      rows.every(([row, { binding }]) => (image.get(ATOM.group, row) === 0) === (binding === 'local')),
    ).toBe(true);
    return settled;
  });
});
