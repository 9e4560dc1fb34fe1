/** The playground: files are chosen or dropped, linked by a worker, and the result is shown. Nothing is uploaded. */

import type { GivenFile, LinkAnswer, LinkRequest, LinkView } from '../messages.ts';
import { showChoices } from './choices-view.ts';
import { codeView } from './code-view.ts';
import { fill, h, option, part } from './dom.ts';
import { EXAMPLES, type Example, exampleFile } from './examples.ts';
import { showFiles, takeFiles } from './files-view.ts';
import { graphView } from './graph-view.ts';
import { mapView } from './map-view.ts';
import { Origins } from './origins.ts';
import { problemList } from './problems-view.ts';
import { runView } from './run-view.ts';
import { commandOf, EMPTY, requestOf, type State, withViews } from './state.ts';
import { useTheme } from './theme.ts';
import { JobError, WorkerClient } from './worker-client.ts';

type Tab = (view: LinkView, origins: Origins, request: LinkRequest) => HTMLElement[];

const TABS: readonly (readonly [name: string, title: string, show: Tab])[] = [
  ['map', 'Map', mapView],
  ['graph', 'Call graph', ({ graph }, origins) => graphView(graph, origins)],
  ['code', 'Code', codeView],
  [
    'run',
    'Packets',
    (view, origins, link) =>
      runView(view, origins, {
        run: (packets, program) => busy(client.ask('run', { link, program, packets })),
      }),
  ],
];

const client = new WorkerClient();
let state: State = EMPTY;
let tab = 'map';
let linked: { readonly request: LinkRequest; readonly answer: LinkAnswer } | null = null;
/** Number of the last link that was asked for: answers to earlier ones come too late. */
let asked = 0;

// --- changes ------------------------------------------------------------------------------------------------------

function change(changed: Partial<State>): void {
  state = { ...state, ...changed };
  showChoices(state, change);
  void relinkAll();
}

async function setFiles(files: readonly GivenFile[], choose: Example['choose'] = {}): Promise<void> {
  const views = await busy(client.giveFiles(files));
  state = withViews({ ...state, ...choose, files }, views);
  showFiles(state.views, { add, remove });
  change({});
}

function add(given: readonly File[]): void {
  report(async () => {
    const files = await Promise.all(given.map(readGiven));
    const names = new Set(files.map(({ name }) => name));
    await setFiles([...state.files.filter(({ name }) => !names.has(name)), ...files]);
  });
}

async function readGiven(file: File): Promise<GivenFile> {
  return { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
}

function remove(name: string): void {
  report(() => setFiles(state.files.filter(file => file.name !== name)));
}

function openExample({ files, choose }: Example): void {
  report(async () => setFiles(await Promise.all(files.map(exampleFile)), { ...EMPTY, ...choose }));
}

async function relinkAll(): Promise<void> {
  const request = requestOf(state);
  const number = ++asked;
  linked = null;
  if (request !== null) {
    const answer = await busy(client.ask('link', request)).catch(failedLink);
    if (number !== asked) return;
    linked = { request, answer };
  }
  showResult(request);
}

function failedLink(error: unknown): LinkAnswer {
  return { ok: false, problems: problemsOf(error) };
}

function problemsOf(error: unknown) {
  return error instanceof JobError ? error.problems : [{ code: '', text: String(error) }];
}

/** Shows what stops a change as a whole. */
function report(work: () => Promise<void>): void {
  work().catch(error => fill(part('result'), problemList(problemsOf(error))));
}

async function busy<Value>(job: Promise<Value>): Promise<Value> {
  part('busy').hidden = false;
  try {
    return await job;
  } finally {
    part('busy').hidden = !client.isBusy;
  }
}

// --- the result ---------------------------------------------------------------------------------------------------

function showResult(request: LinkRequest | null): void {
  part('command').textContent = request === null ? '' : commandOf(request);
  const result = part('result');
  if (linked === null)
    fill(result, h('p', { class: 'hint' }, 'Choose an example, or drop object files on the page.'));
  else if (linked.answer.ok) fill(result, ...resultParts(linked.answer.view, linked.request));
  else fill(result, h('h2', { class: 'refused' }, 'Refused'), problemList(linked.answer.problems));
}

function resultParts(view: LinkView, request: LinkRequest): HTMLElement[] {
  const origins = new Origins(view.inputs);
  const panel = h('div', { id: 'panel', role: 'tabpanel' });
  const buttons = h('div', { class: 'tabs', role: 'tablist' });
  const open = (name: string): void => {
    tab = name;
    for (const button of buttons.children)
      button.setAttribute('aria-selected', String(button.getAttribute('data-tab') === name));
    fill(panel, ...(TABS.find(([one]) => one === name)?.[2](view, origins, request) ?? []));
  };
  for (const [name, title] of TABS)
    buttons.append(
      h('button', { type: 'button', role: 'tab', 'data-tab': name, click: () => open(name) }, title),
    );
  open(tab);
  return [summary(view, request), buttons, panel];
}

const OUTPUTS = { link: 'linked.o', relink: 'relinked.o', chain: 'chain.o' } as const;

function summary({ bytes, license, types }: LinkView, { kind }: LinkRequest): HTMLElement {
  const name = OUTPUTS[kind];
  return h(
    'div',
    { class: 'summary' },
    h('h2', {}, name),
    h(
      'span',
      { class: 'facts' },
      `${bytes.length.toLocaleString('en')} bytes, ${types.after} types (${types.before} in the inputs), license ${license ?? 'not stated'}`,
    ),
    h(
      'button',
      { type: 'button', class: 'primary', id: 'download', click: () => download(name, bytes) },
      'Download',
    ),
  );
}

function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  h('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

// --- start --------------------------------------------------------------------------------------------------------

function start(): void {
  useTheme(part('theme'));
  takeFiles({ add, remove });
  part('stop').addEventListener('click', () => client.stop());
  const chooser = part('examples');
  chooser.append(...EXAMPLES.map(({ title }, at) => option(String(at), title, at === 0)));
  chooser.addEventListener('change', () => {
    const example = EXAMPLES[chooser instanceof HTMLSelectElement ? Number(chooser.value) : 0];
    if (example !== undefined) openExample(example);
  });
  const [first] = EXAMPLES;
  if (first !== undefined) openExample(first);
}

start();
