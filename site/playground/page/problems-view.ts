/** Problems with the text that the command prints, and a link to the index of codes. */

import type { ProblemView } from '../messages.ts';
import { h } from './dom.ts';

export function problemList(problems: readonly ProblemView[]): HTMLElement {
  return h(
    'div',
    { class: 'problems', role: 'alert' },
    ...problems.map(({ code, text }) => h('div', { class: 'problem' }, h('pre', {}, text), codeLink(code))),
  );
}

function codeLink(code: string): HTMLElement | null {
  if (code === '') return null;
  return h('a', { href: `../reference/error-index.html#${encodeURIComponent(code)}` }, code);
}
