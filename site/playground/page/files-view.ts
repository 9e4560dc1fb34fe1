/** The files that are there, what is in each, and ways to add and remove them. */

import type { FileView } from '../messages.ts';
import { fill, h, part } from './dom.ts';
import { problemList } from './problems-view.ts';

export interface FileActions {
  add(files: readonly File[]): void;
  remove(name: string): void;
}

export function showFiles(views: readonly FileView[], { remove }: FileActions): void {
  fill(part('files'), ...views.map(view => fileItem(view, remove)));
  part('no-files').hidden = views.length > 0;
}

function fileItem(view: FileView, remove: FileActions['remove']): HTMLElement {
  const { name, size, problems } = view;
  return h(
    'li',
    {},
    h('span', { class: 'name' }, name),
    h('span', { class: 'facts' }, `${size.toLocaleString('en')} bytes${factsOf(view)}`),
    h('button', { class: 'remove', 'aria-label': `Remove ${name}`, click: () => remove(name) }, '×'),
    problems.length === 0 ? null : problemList(problems),
  );
}

function factsOf({ programs, slots, externs, problems }: FileView): string {
  const counts = [
    [programs.length, 'program'],
    [slots.length, programs.length > 0 ? 'slot' : 'function'],
    [externs.length, 'extern'],
  ] as const;
  const words = counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}${count > 1 ? 's' : ''}`);
  return problems.length > 0 ? ', refused' : words.map(text => `, ${text}`).join('');
}

export function takeFiles({ add }: FileActions): void {
  const area = part('drop');
  const input = part('file-input');
  input.addEventListener('change', () => {
    if (input instanceof HTMLInputElement) {
      add([...(input.files ?? [])]);
      input.value = '';
    }
  });
  const mark = (isOver: boolean) => (event: Event) => {
    event.preventDefault();
    area.classList.toggle('over', isOver);
  };
  area.addEventListener('dragover', mark(true));
  area.addEventListener('dragleave', mark(false));
  area.addEventListener('drop', event => {
    mark(false)(event);
    add([...(event.dataTransfer?.files ?? [])]);
  });
}
