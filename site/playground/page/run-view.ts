/** Packets through the result: where they come from, verdicts, and which component decided. */

import type { LinkView, PacketSource, RunView } from '../messages.ts';
import { fill, h, option, table } from './dom.ts';
import { CAPTURE, exampleFile, PACKETS } from './examples.ts';
import type { Origins } from './origins.ts';
import { problemList } from './problems-view.ts';

export interface RunActions {
  run(packets: PacketSource, program: string | null): Promise<RunView>;
}

/** What the user entered stays when something else is linked. */
const entered = { digits: PACKETS[0]?.[1] ?? '' };

export function runView(view: LinkView, origins: Origins, actions: RunActions): HTMLElement[] {
  const results = h('div', { id: 'run-results', 'aria-live': 'polite' });
  const program = programChooser(view);
  const start = (source: Promise<PacketSource> | PacketSource): void => {
    fill(results, h('p', { class: 'hint' }, 'running …'));
    Promise.resolve(source)
      .then(packets => actions.run(packets, program.value === '' ? null : program.value))
      .then(
        run => fill(results, ...resultParts(run, origins)),
        error => fill(results, problemList(error.problems ?? [{ code: '', text: String(error) }])),
      );
  };
  return [
    ...(view.programs.length > 1 ? [h('label', { class: 'row' }, 'program', program)] : []),
    h('div', { class: 'sources' }, captureSource(start), hexSource(start)),
    results,
  ];
}

function programChooser({ programs }: LinkView): HTMLSelectElement {
  const [first] = programs;
  return h('select', {}, ...programs.map(name => option(name, name, name === first)));
}

type Start = (source: Promise<PacketSource> | PacketSource) => void;

function captureSource(start: Start): HTMLElement {
  const ready = (): void => start(exampleFile(CAPTURE).then(file => ({ kind: 'capture', ...file })));
  const choose = ({ target }: Event): void => {
    const file = target instanceof HTMLInputElement ? target.files?.[0] : undefined;
    if (file === undefined) return;
    const bytes = file.arrayBuffer().then(buffer => new Uint8Array(buffer));
    start(bytes.then(all => ({ kind: 'capture', name: file.name, bytes: all })));
  };
  const input = h('input', { type: 'file', accept: '.pcap,.pcapng,.cap', change: choose });
  return h(
    'section',
    {},
    h('h3', {}, 'A capture'),
    h(
      'button',
      { type: 'button', class: 'primary', id: 'run-example', click: ready },
      'Run the 35 example packets',
    ),
    h('label', { class: 'file' }, 'or a pcap or pcapng file: ', input),
  );
}

function hexSource(start: Start): HTMLElement {
  const area = h('textarea', {
    id: 'hex',
    rows: '4',
    spellcheck: 'false',
    'aria-label': 'Packets in hexadecimal digits, one a line',
    input: () => {
      entered.digits = area.value;
    },
  });
  area.value = entered.digits;
  const set = (digits: string) => (): void => {
    area.value = digits;
    entered.digits = digits;
    start({ kind: 'hex', text: digits });
  };
  return h(
    'section',
    {},
    h('h3', {}, 'Hexadecimal digits, one packet a line'),
    h(
      'div',
      { class: 'chips' },
      ...PACKETS.map(([title, digits]) => h('button', { type: 'button', click: set(digits) }, title)),
    ),
    area,
    h(
      'button',
      { type: 'button', id: 'run-hex', click: () => start({ kind: 'hex', text: area.value }) },
      'Run these',
    ),
  );
}

function resultParts(run: RunView, origins: Origins): HTMLElement[] {
  return [
    ...(run.problems.length > 0 ? [problemList(run.problems)] : []),
    h('h3', {}, `Verdicts of ${run.program}`),
    countTable(run, origins),
    ...(run.packets.length > 0 ? [h('h3', {}, 'Packets'), packetTable(run, origins)] : []),
    ...(run.trace.length > 0
      ? [h('h3', {}, 'Printed by bpf_printk'), h('pre', {}, run.trace.join('\n'))]
      : []),
    ...(run.maps.length > 0 ? [h('h3', {}, 'Maps and variables'), h('pre', {}, run.maps.join('\n'))] : []),
  ];
}

function countTable({ counts, total }: RunView, origins: Origins): HTMLElement {
  return table(
    ['verdict', 'decided by', 'packets'],
    [
      ...counts.map(([verdict, decidedBy, packets]) => [
        verdictTag(verdict),
        deciderTag(decidedBy, origins),
        String(packets),
      ]),
      ['all', '', String(total)],
    ],
    [2],
  );
}

function packetTable({ packets, total }: RunView, origins: Origins): HTMLElement {
  const rows = packets.map(({ number, verdict, decidedBy, length, text }) => [
    String(number),
    verdictTag(verdict),
    deciderTag(decidedBy, origins),
    String(length),
    h('code', {}, text),
  ]);
  const all = table(['', 'verdict', 'decided by', 'bytes', 'packet'], rows, [0, 3]);
  if (packets.length === total) return all;
  return h('div', {}, all, h('p', { class: 'hint' }, `The first ${packets.length} of ${total} packets.`));
}

function verdictTag(verdict: string): HTMLElement {
  const kind = /^(PASS|DROP|ABORTED|TX|REDIRECT)$/.test(verdict) ? verdict.toLowerCase() : 'other';
  return h('span', { class: `verdict verdict-${kind}` }, verdict);
}

function deciderTag(decidedBy: string | null, origins: Origins): HTMLElement | string {
  return decidedBy === null ? '' : origins.tag(decidedBy);
}
