/** Links as pictures: what each file gave, which extern found its definition where, what was discarded and why. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { Picture } from '../../picture/model.ts';
import { type LinkOptions, link } from '../link.ts';
import { relink } from '../relink.ts';
import { linkPicture, type PicturedLink } from './link-picture.ts';

const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });
const extern = (name: string): SymbolSpec => ({ name, kind: 'extern function' });

function linked(objects: readonly ReturnType<typeof objectOf>[], options: LinkOptions = {}): PicturedLink {
  const result = link(objects, options);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  return result.report;
}

/** `a.o: program main`, in order. */
function contents({ clusters, nodes }: Picture): string[] {
  return clusters.map(({ label, nodes: ids }) => {
    const own = ids.map(id => nodes.find(node => node.id === id));
    return `${label}: ${own.map(node => `${node?.kind} ${node?.label}`).join(', ')}`;
  });
}

function edgesOf({ nodes, edges, clusters }: Picture): string[] {
  const names = new Map(nodes.map(({ id, label }) => [id, label]));
  const fileOf = (id: string): string => clusters.find(({ nodes: ids }) => ids.includes(id))?.label ?? '';
  const text = (id: string): string => `${fileOf(id)}:${names.get(id)}`;
  return edges.map(
    ({ from, to, kind, label }) => `${text(from)} -${`${kind} ${label}`.trim()}-> ${text(to)}`,
  );
}

const main = objectOf('main.o', [{ ...fn('main', 'used'), section: 'xdp' }, extern('used')]);
const used = objectOf('used.o', [fn('used', 'deep'), fn('spare'), extern('deep')]);
const deep = objectOf('deep.o', [fn('deep'), { ...fn('used'), binding: 'weak' }]);

describe('a link', () => {
  const report = linked([main, used, deep]);
  const picture = linkPicture('out.o', report);

  test('reports which extern has its definition in which file', () => {
    expect(report.bound).toEqual([
      {
        name: 'used',
        kind: 'function',
        file: 'main.o',
        definition: 'used',
        winner: 'used.o',
        by: 'name',
      },
      { name: 'deep', kind: 'function', file: 'used.o', definition: 'deep', winner: 'deep.o', by: 'name' },
    ]);
  });

  test('has a frame for each file, with what it gave and what it needed', () => {
    expect(contents(picture)).toEqual([
      'main.o: program main, extern used',
      'used.o: function used, function spare, extern deep',
      'deep.o: function deep, discarded used',
    ]);
    expect(picture.details).toEqual([
      'link of 3 files: 4 symbols, 1 discarded, 2 externs bound, license not stated',
    ]);
  });

  test('has edges from externs to definitions, and from what was discarded to what is used instead', () => {
    expect(edgesOf(picture)).toEqual([
      'main.o:used -bind-> used.o:used',
      'used.o:deep -bind-> deep.o:deep',
      'deep.o:used -override weak-> used.o:used',
    ]);
    expect(picture.nodes.find(({ kind }) => kind === 'discarded')?.details).toEqual([
      'function, 16 bytes',
      'overridden by used.o',
    ]);
  });

  test('says what was collected, and what was bound on request', () => {
    const bind = [{ consumer: 'main.o', extern: 'used', provider: 'deep.o', target: 'deep' }];
    const bound = linked([main, deep], { gcSections: true, bind });
    const drawn = linkPicture('out.o', bound);
    expect(edgesOf(drawn)).toContain('main.o:used -bind as requested-> deep.o:deep');
    expect(
      drawn.nodes.filter(({ kind }) => kind === 'discarded').map(({ label, details }) => [label, details[1]]),
    ).toEqual([['used', 'unused']]);
  });

  test('says what stays open', () => {
    const open = linkPicture('out.o', linked([main], { partial: true }));
    expect(contents(open)).toEqual(['main.o: program main, extern used']);
    expect(open.nodes.at(-1)?.details).toEqual(['left open']);
    expect(open.details[0]).toContain(', 1 left open,');
  });

  test('says which names changed', () => {
    const statics = ['a.o', 'b.o'].map((name, at) =>
      objectOf(name, [
        { ...fn(`main${at}`, 'same'), section: 'xdp' },
        { ...fn('same'), binding: 'local' },
      ]),
    );
    const drawn = linkPicture('out.o', linked(statics));
    expect(drawn.nodes.filter(({ details }) => details.includes('renamed, was same'))).not.toEqual([]);
  });
});

describe('a re-link', () => {
  test('leads from slots to what fills them', () => {
    const rootlet = objectOf('rootlet.o', [
      { ...fn('entry', 'slot'), section: 'xdp', context: 'xdp_md' },
      { ...fn('slot'), context: 'xdp_md' },
    ]);
    const filter = objectOf('filter.o', [{ ...fn('filter'), section: 'xdp', context: 'xdp_md' }]);
    const result = relink(rootlet, [{ slot: 'slot', component: filter }]);
    if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
    const picture = linkPicture('out.o', result.report);
    expect(edgesOf(picture)).toEqual(['rootlet.o:slot -override slot-> filter.o:filter']);
    expect(contents(picture)[0]).toBe('rootlet.o: program entry, discarded slot');
  });
});

test('too many symbols: first those that have no part in resolution are left out, then all', () => {
  const many = Array.from({ length: 30 }, (_, at): SymbolSpec => ({ ...fn(`f${at}`), binding: 'local' }));
  const big = objectOf('main.o', [{ ...fn('main', 'used'), section: 'xdp' }, extern('used'), ...many]);
  const report = linked([big, used, deep]);
  const part = linkPicture('out.o', report, { picture: 20 });
  expect(part.notes.join()).toMatch(/^without static symbols and what is unused: there would be \d+ nodes/);
  expect(contents(part)[0]).toBe('main.o: program main, extern used');
  const files = linkPicture('out.o', report, { picture: 8 });
  expect(files.nodes.map(({ label, details }) => [label, ...details])).toEqual([
    ['main.o', '31 symbols'],
    ['used.o', '2 symbols'],
    ['deep.o', '1 symbol', '1 discarded'],
  ]);
  expect(files.edges.map(({ from, to, label }) => `${from} ${to} ${label}`)).toEqual([
    'file main.o file used.o 1 extern',
    'file used.o file deep.o 1 extern',
    'file deep.o file used.o 1 definition',
  ]);
  expect(() => linkPicture('out.o', report, { picture: 3 })).toThrow(/6 nodes and edges/);
});
