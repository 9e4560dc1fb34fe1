/** Elements with text. Names from files only become text: nothing here parses markup. */

type Child = Node | string | null;

interface Properties {
  readonly [name: string]: string | boolean | ((event: Event) => void) | undefined;
}

/** `class`, `for` and so on are attributes, functions are listeners, `true` sets an attribute without a value. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAll(element, properties);
  append(element, children);
  return element;
}

export function svg(
  tag: keyof SVGElementTagNameMap,
  properties: Properties = {},
  ...children: readonly Child[]
): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAll(element, properties);
  append(element, children);
  return element;
}

function setAll(element: Element, properties: Properties): void {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (typeof value === 'string') element.setAttribute(name, value);
  }
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== null) element.append(child);
}

/** Replaces what is in an element. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** A part of the page that is in its HTML. */
export function part(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no part "${id}"`);
  return element;
}

/** A table with a line of headings; the cells in columns of `numbers` are aligned to the right. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Child[])[],
  numbers: readonly number[] = [],
): HTMLElement {
  const cell = (tag: 'td' | 'th') => (child: Child, at: number) =>
    h(tag, numbers.includes(at) ? { class: 'number' } : {}, child);
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...headings.map(cell('th')))),
      h('tbody', {}, ...rows.map(row => h('tr', {}, ...row.map(cell('td'))))),
    ),
  );
}

export function option(value: string, text: string, isSelected: boolean): HTMLOptionElement {
  return h('option', { value, selected: isSelected }, text);
}
