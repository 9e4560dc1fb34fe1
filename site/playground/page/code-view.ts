/** Instructions of each function, with the lines of the C source before those that they became. */

import type { CodeView, LinkView } from '../messages.ts';
import { h } from './dom.ts';
import type { Origins } from './origins.ts';

export function codeView({ code }: LinkView, origins: Origins): HTMLElement[] {
  return code.map((one, at) => functionView(one, origins, at < 2));
}

function functionView({ name, from, lines }: CodeView, origins: Origins, isOpen: boolean): HTMLElement {
  const count = lines.filter(({ kind }) => kind === 'insn').length;
  return h(
    'details',
    { class: 'function', open: isOpen },
    h(
      'summary',
      {},
      h('code', {}, name),
      origins.tag(from),
      h('span', { class: 'facts' }, `${count} instructions`),
    ),
    h(
      'pre',
      { class: 'code', tabindex: '0' },
      ...lines
        .filter(({ kind }) => kind !== 'head')
        .map(({ kind, text }) => h('span', { class: kind }, `${text}\n`)),
    ),
  );
}
