/**
 * Manual pages, in the macros of man(7): rootlet(1), and rootlet-link(1) and so on for each command. The build writes
 * them from the same pages that help prints.
 */

import { EXIT } from '../../src/diag/index.ts';
import { type Catalog, pagesOf } from './catalog.ts';
import { argumentText, type OptionHelp, type Page } from './page.ts';
import { FIRST_STEPS, GROUPS, topicOf } from './topics.ts';

export interface ManualPage {
  /** `rootlet-xdp-load.1` */
  readonly file: string;
  readonly text: string;
}

/** Exit codes and what they mean; the classes are those of docs/errors.md. */
export const STATUS: readonly (readonly [code: number, text: string])[] = [
  [EXIT.ok, 'Success.'],
  [EXIT.input, 'An input is refused.'],
  [EXIT.usage, 'The arguments are not valid; of plan: changes are pending.'],
  [EXIT.platform, 'The kernel or the operating system refuses.'],
  [EXIT.busy, 'Another process holds a lock.'],
  [EXIT.partial, 'A change has happened, but is not complete.'],
  [EXIT.bug, 'Internal error.'],
];

export function manualPages(catalog: Catalog, version: string): ManualPage[] {
  return [
    { file: 'rootlet.1', text: rootManual(catalog, version) },
    ...pagesOf(catalog).map(page => ({
      file: `${manualName(page.command)}.1`,
      text: commandManual(page, version),
    })),
  ];
}

function manualName(command: string): string {
  return `rootlet-${command.replaceAll(' ', '-')}`;
}

function rootManual(catalog: Catalog, version: string): string {
  const commands = GROUPS.flatMap(group => [
    `.SS ${group}`,
    ...catalog
      .filter(({ name }) => topicOf(name).group === group)
      .flatMap(({ name, brief }) => ['.TP', `\\fB${escaped(name)}\\fR`, sentence(brief)]),
  ]);
  return document('rootlet', version, [
    ['NAME', ['rootlet \\- link, re\\-link, run and load BPF objects']],
    ['SYNOPSIS', ['\\fBrootlet\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...']],
    ['COMMANDS', commands],
    ['EXAMPLES', exampleLines(FIRST_STEPS)],
    ['EXIT STATUS', statusLines()],
    ['ENVIRONMENT', tagged('ROOTLET_BPFFS', 'Store directory on a bpf file system; --bpffs overrides it')],
    ['SEE ALSO', [catalog.flatMap(seeAlso).join(',\n'), 'bpftool(8), xdp\\-loader(8), ld(1)']],
  ]);
}

function seeAlso(entry: Catalog[number]): string[] {
  const names = entry.kind === 'command' ? [entry.name] : entry.group.commands.map(({ command }) => command);
  return names.map(name => `\\fB${escaped(manualName(name))}\\fR(1)`);
}

function commandManual(page: Page, version: string): string {
  const name = manualName(page.command);
  return document(name, version, [
    ['NAME', [`${escaped(name)} \\- ${escaped(page.brief)}`]],
    ['SYNOPSIS', [`\\fBrootlet ${escaped(page.command)}\\fR ${escaped(page.usage)}`]],
    ['DESCRIPTION', description(page.description)],
    [
      'ARGUMENTS',
      page.arguments.filter(({ brief }) => brief !== '').flatMap(one => tagged(argumentText(one), one.brief)),
    ],
    [
      'OPTIONS',
      page.sections.flatMap(({ title, options }) => [`.SS ${title}`, ...options.flatMap(optionLines)]),
    ],
    ['EXAMPLES', exampleLines(page.examples)],
    ['EXIT STATUS', statusLines()],
    ['SEE ALSO', ['\\fBrootlet\\fR(1)', ...page.docs.map(escaped)]],
  ]);
}

type Part = readonly [title: string, lines: readonly string[]];

function document(name: string, version: string, parts: readonly Part[]): string {
  const title = `.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" "rootlet ${version}" "User Commands"`;
  const all = parts
    .filter(([, lines]) => lines.length > 0)
    .flatMap(([part, lines]) => [`.SH ${part}`, ...lines]);
  return `${[title, ...all].join('\n')}\n`;
}

/** Lines that begin with spaces are a table. */
function description(text: string): string[] {
  return text.split('\n').flatMap(line => {
    if (line === '') return ['.PP'];
    return line.startsWith(' ') ? ['.nf', escaped(line), '.fi'] : [escaped(line)];
  });
}

function optionLines({ short, long, isNegated, value, brief }: OptionHelp): string[] {
  const names = [...(short === undefined ? [] : [`-${short}`]), `--${isNegated ? '[no-]' : ''}${long}`];
  const bold = names.map(name => `\\fB${escaped(name)}\\fR`).join(', ');
  return ['.TP', value === undefined ? bold : `${bold} \\fI${escaped(value)}\\fR`, sentence(brief)];
}

function tagged(name: string, text: string): string[] {
  return ['.TP', `\\fI${escaped(name)}\\fR`, sentence(text)];
}

function sentence(text: string): string {
  return escaped(/[.…]$/.test(text) ? text : `${text}.`);
}

function exampleLines(examples: Page['examples']): string[] {
  return examples.flatMap(({ line, text }) => ['.TP', `\\fBrootlet ${escaped(line)}\\fR`, sentence(text)]);
}

function statusLines(): string[] {
  return STATUS.flatMap(([code, text]) => ['.TP', `\\fB${code}\\fR`, escaped(text)]);
}

/** A line that begins with a period or an apostrophe would be a request. */
function escaped(text: string): string {
  const plain = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...');
  return /^[.']/.test(plain) ? `\\&${plain}` : plain;
}
