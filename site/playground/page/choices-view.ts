/** What is linked: slots and their components, the order of a chain, or the files of a static link. */

import type { Choice } from '../messages.ts';
import { fill, h, option, part } from './dom.ts';
import { choicesOf, type Mode, type State, slotsOf, wordOf } from './state.ts';

export type Change = (change: Partial<State>) => void;

const MODES: readonly (readonly [Mode, title: string, text: string])[] = [
  ['relink', 'Re-link', 'Put programs into the slots of a rootlet.'],
  ['chain', 'Chain', 'Run programs one after the other; the rootlet is generated.'],
  ['link', 'Link', 'Bind externs of each file to definitions of the others, by name.'],
];

export function showChoices(state: State, change: Change): void {
  fill(part('modes'), ...MODES.map(([mode, title]) => modeButton(state, mode, title, change)));
  const text = MODES.find(([mode]) => mode === state.mode)?.[2] ?? '';
  const rows = { relink: relinkRows, chain: chainRows, link: linkRows }[state.mode](state, change);
  fill(part('choices'), h('p', { class: 'hint' }, text), ...(state.views.length === 0 ? [] : rows));
}

function modeButton(state: State, mode: Mode, title: string, change: Change): HTMLElement {
  const isChosen = state.mode === mode;
  const properties = { type: 'button', 'aria-pressed': String(isChosen), click: () => change({ mode }) };
  return h('button', properties, title);
}

// --- slots --------------------------------------------------------------------------------------------------------

function relinkRows(state: State, change: Change): HTMLElement[] {
  const rootlets = state.views.filter(({ slots }) => slots.length > 0);
  if (rootlets.length === 0)
    return [h('p', { class: 'hint' }, 'None of the files has a function that can be replaced.')];
  const chooser = h(
    'select',
    { change: event => change({ rootlet: chosenIn(event), slots: new Map() }), 'aria-label': 'Rootlet' },
    ...rootlets.map(({ name }) => option(name, name, name === state.rootlet)),
  );
  return [row('rootlet', chooser), ...slotsOf(state).map(slot => slotRow(state, slot, change))];
}

function slotRow(state: State, slot: string, change: Change): HTMLElement {
  const choices = choicesOf(state).filter(({ file }) => file !== state.rootlet);
  const chosen = state.slots.get(slot);
  const choose = (event: Event): void => {
    const slots = new Map(state.slots);
    const choice = choices.find(one => wordOf(one) === chosenIn(event));
    if (choice === undefined) slots.delete(slot);
    else slots.set(slot, choice);
    change({ slots });
  };
  const chooser = h(
    'select',
    { change: choose, 'aria-label': `Component of ${slot}` },
    option('', '(its own function)', chosen === undefined),
    ...choices.map(one =>
      option(wordOf(one), wordOf(one), chosen !== undefined && wordOf(one) === wordOf(chosen)),
    ),
  );
  return row(slot, chooser);
}

function row(label: string, chooser: HTMLElement): HTMLElement {
  return h('label', { class: 'row' }, h('code', {}, label), chooser);
}

// --- chains -------------------------------------------------------------------------------------------------------

function chainRows(state: State, change: Change): HTMLElement[] {
  const { members } = state;
  const list = h(
    'ol',
    { class: 'members' },
    ...members.map((member, at) => memberItem(members, member, at, change)),
  );
  const add = h(
    'select',
    {
      'aria-label': 'Add a program',
      change: event => {
        const choice = choicesOf(state).find(one => wordOf(one) === chosenIn(event));
        if (choice !== undefined) change({ members: [...members, choice] });
      },
    },
    option('', 'Add a program …', true),
    ...choicesOf(state)
      .filter(({ file }) => !members.some(member => member.file === file))
      .map(one => option(wordOf(one), wordOf(one), false)),
  );
  return [list, add];
}

function memberItem(members: readonly Choice[], member: Choice, at: number, change: Change): HTMLElement {
  const others = members.filter((_, other) => other !== at);
  const move = (by: number) => () => change({ members: others.toSpliced(at + by, 0, member) });
  const button = (text: string, label: string, click: () => void, isOff: boolean): HTMLElement =>
    h('button', { type: 'button', 'aria-label': `${label} ${wordOf(member)}`, click, disabled: isOff }, text);
  return h(
    'li',
    {},
    h('code', {}, wordOf(member)),
    button('↑', 'Earlier:', move(-1), at === 0),
    button('↓', 'Later:', move(1), at === members.length - 1),
    button('×', 'Remove', () => change({ members: others }), false),
  );
}

// --- static links -------------------------------------------------------------------------------------------------

function linkRows(state: State, change: Change): HTMLElement[] {
  return state.views.map(({ name }) => {
    const toggle = (): void => {
      const without = new Set(state.without);
      if (!without.delete(name)) without.add(name);
      change({ without });
    };
    const box = h('input', { type: 'checkbox', checked: !state.without.has(name), change: toggle });
    return h('label', { class: 'check' }, box, name);
  });
}

function chosenIn({ target }: Event): string {
  return target instanceof HTMLSelectElement ? target.value : '';
}
