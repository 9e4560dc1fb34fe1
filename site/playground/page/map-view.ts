/** The map of a link: sections by input, symbols, what was discarded and renamed, limits, notes. */

import type { LinkView } from '../messages.ts';
import { h, table } from './dom.ts';
import type { Origins } from './origins.ts';

export function mapView(view: LinkView, origins: Origins): HTMLElement[] {
  return [
    h('div', { class: 'legend' }, ...view.inputs.map(input => origins.tag(input))),
    part('Sections', sectionBars(view, origins)),
    part('Symbols', symbolTable(view, origins)),
    part('Discarded', discardedTable(view, origins)),
    part('Renamed', view.renames.length === 0 ? null : list(view.renames)),
    part('Use of the kernel’s limits', limitTable(view)),
    part('Notes', view.notes.length === 0 ? null : list(view.notes)),
  ].filter(one => one !== null);
}

function part(title: string, content: HTMLElement | null): HTMLElement | null {
  return content === null ? null : h('section', {}, h('h3', {}, title), content);
}

function list(lines: readonly string[]): HTMLElement {
  return h('ul', {}, ...lines.map(line => h('li', {}, line)));
}

function sectionBars({ sections }: LinkView, origins: Origins): HTMLElement {
  const most = Math.max(1, ...sections.map(({ size }) => size));
  return h(
    'div',
    { class: 'bars' },
    ...sections.flatMap(({ name, size, parts }) => {
      const pieces = parts.map(({ from, size: bytes }) => {
        const piece = h('span', { class: origins.classOf(from), title: `${from}: ${bytes} bytes` });
        piece.style.flexGrow = String(bytes);
        return piece;
      });
      const bar = h('div', { class: 'bar' }, ...pieces);
      bar.style.width = `${Math.max(1.5, (100 * size) / most)}%`;
      const text = h('span', { class: 'size' }, `${size.toLocaleString('en')} bytes`);
      return [h('code', {}, name), h('div', { class: 'track' }, bar), text];
    }),
  );
}

function symbolTable({ symbols }: LinkView, origins: Origins): HTMLElement {
  return table(
    ['section', 'bytes', 'name', 'from', 'declaration'],
    symbols.map(({ section, size, name, from, declaration, binding }) => [
      h('code', {}, section),
      String(size),
      h('code', { class: binding === 'local' ? 'local' : 'global' }, name),
      origins.tag(from),
      h('code', { class: 'declaration' }, declaration),
    ]),
    [1],
  );
}

function discardedTable({ discarded }: LinkView, origins: Origins): HTMLElement | null {
  if (discarded.length === 0) return null;
  return table(
    ['kind', 'bytes', 'name', 'from', 'reason'],
    discarded.map(({ kind, size, name, from, why }) => [
      kind,
      String(size),
      h('code', {}, name),
      origins.tag(from),
      why,
    ]),
    [1],
  );
}

function limitTable({ limits }: LinkView): HTMLElement | null {
  if (limits.length === 0) return null;
  return table(
    ['program', 'limit', 'used', 'allowed'],
    limits.flatMap(({ program, rows }) =>
      rows.map(([name, used, allowed]) => [
        h('code', {}, program),
        name,
        used === null ? 'no bound' : String(used),
        String(allowed),
      ]),
    ),
    [2, 3],
  );
}
