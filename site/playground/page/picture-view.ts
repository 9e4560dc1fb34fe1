/**
 * A picture that the worker draws. What Graphviz wrote is parsed as XML, and only elements and attributes of a plain
 * drawing become a part of the page.
 */

import type { PictureView } from '../messages.ts';
import { fill, h } from './dom.ts';

const ELEMENTS = new Set(['svg', 'g', 'title', 'text', 'polygon', 'polyline', 'path', 'ellipse']);
const REFUSED = /^on|^style$|href$/i;

/** Shows the picture when it is there. `failed`: what is shown instead. */
export function pictureView(
  label: string,
  draw: () => Promise<PictureView>,
  failed: (error: unknown) => HTMLElement,
): HTMLElement[] {
  const area = h('div', { class: 'picture' }, h('p', { class: 'hint' }, 'drawing …'));
  draw()
    .then(({ svg, notes }) => fill(area, ...notes.map(hint), drawingOf(svg, label)))
    .catch(error => fill(area, failed(error)));
  return [area];
}

function hint(text: string): HTMLElement {
  return h('p', { class: 'hint' }, text);
}

function drawingOf(text: string, label: string): Element {
  const { documentElement: root } = new DOMParser().parseFromString(text, 'image/svg+xml');
  const wrong = [root, ...root.querySelectorAll('*')].find(element => !isPlain(element));
  if (wrong !== undefined) throw new Error(`the picture has an element ${wrong.localName} that is not drawn`);
  root.setAttribute('role', 'img');
  root.setAttribute('aria-label', label);
  return document.importNode(root, true);
}

function isPlain(element: Element): boolean {
  return ELEMENTS.has(element.localName) && element.getAttributeNames().every(name => !REFUSED.test(name));
}
