/** A colour for each input, the same in all views: classes, since the page has no styles of its own in its markup. */

import { h } from './dom.ts';

const COLOURS = 8;

export class Origins {
  readonly #inputs: readonly string[];

  constructor(inputs: readonly string[]) {
    this.#inputs = inputs;
  }

  /** What the link itself made has none. */
  classOf(input: string): string {
    const at = this.#inputs.indexOf(input);
    return at < 0 ? 'origin-none' : `origin-${at % COLOURS}`;
  }

  tag(input: string): HTMLElement {
    return h('span', { class: `origin ${this.classOf(input)}` }, input);
  }
}
