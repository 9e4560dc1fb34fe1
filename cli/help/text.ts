/** Pages for a terminal: lines of its width, options in sections. */

import { bold, joinBlocks, joinLines, type Lines, line } from '../../src/diag/index.ts';
import type { GroupPage, OptionHelp, Page } from './page.ts';
import { argumentText } from './page.ts';
import { type Example, FIRST_STEPS, GROUPS, type Group, topicOf } from './topics.ts';
import { wrap } from './wrap.ts';

const INDENT = '  ';
/** Texts begin in this column; longer options have a line of their own. */
const TEXT_COLUMN = 28;

/** `colour`: headings are bold. */
export function commandText(page: Page, width: number, colour = false): Lines {
  return blocks(colour, [
    wrap(`Usage: rootlet ${page.command} ${page.usage}`, width, ' '.repeat(10)),
    paragraphs(page.description, width),
    argumentLines(page, width),
    ...page.sections.map(({ title, options }) => [
      `${title}:`,
      ...options.flatMap(option => entry(optionText(option), option.brief, width)),
    ]),
    ['Examples:', ...page.examples.flatMap(example => exampleLines(example, width))],
    documentationLines(page.docs, width),
  ]);
}

/** Lines that begin with spaces are a table. */
function paragraphs(text: string, width: number): string[] {
  return text.split('\n').flatMap(line => (line.startsWith(' ') ? [cut(line, width)] : wrap(line, width)));
}

function argumentLines(page: Page, width: number): string[] {
  const described = page.arguments.filter(({ brief }) => brief !== '');
  if (described.length === 0) return [];
  return [
    'Arguments:',
    ...described.flatMap(argument => entry(argumentText(argument), argument.brief, width)),
  ];
}

/** `-o, --output OUT`. */
export function optionText({ short, long, isNegated, value, isRepeated }: OptionHelp): string {
  const name = isNegated ? `--[no-]${long}` : `--${long}`;
  const text = short === undefined ? `    ${name}` : `-${short}, ${name}`;
  const isList = value !== undefined && /…|\.\.\./.test(value);
  return `${text}${value === undefined ? '' : ` ${value}`}${isRepeated && !isList ? '...' : ''}`;
}

function exampleLines(example: Example, width: number): string[] {
  const { text } = example;
  return [`${INDENT}rootlet ${example.line}`, ...wrap(text, width, INDENT.repeat(3), INDENT.repeat(3))];
}

function documentationLines(docs: readonly string[], width: number): string[] {
  return docs.length === 0 ? [] : wrap(`Documentation: ${docs.join(', ')}`, width);
}

/** A group of commands. */
export function groupText(
  { command, description, commands }: GroupPage,
  width: number,
  colour = false,
): Lines {
  return blocks(colour, [
    [`Usage: rootlet ${command} COMMAND ...`],
    paragraphs(description, width),
    ['Commands:', ...commands.flatMap(page => entry(shortName(page), page.brief, width))],
    ['Examples:', ...topicOf(command).examples.flatMap(example => exampleLines(example, width))],
    wrap(`"rootlet help ${command} COMMAND" lists the options of a command.`, width),
    documentationLines(topicOf(command).docs, width),
  ]);
}

function shortName({ command }: Page): string {
  return command.split(' ').slice(1).join(' ');
}

/** What there is, a line for each command. */
export interface RootEntry {
  readonly name: string;
  readonly brief: string;
}

export function rootText(entries: readonly RootEntry[], width: number): Lines {
  return blocks(false, [
    ['Usage: rootlet COMMAND [OPTION]... [ARGUMENT]...'],
    GROUPS.flatMap(group => rootLines(group, entries, width)),
    FIRST_STEPS.map(step => `${INDENT}${`rootlet ${step.line}`.padEnd(44)}# ${step.text}`),
    wrap('"rootlet help COMMAND" lists options and examples; README.md begins with five minutes.', width),
  ]);
}

const NAME_COLUMN = 23;

function rootLines(group: Group, entries: readonly RootEntry[], width: number): string[] {
  const own = entries.filter(({ name }) => topicOf(name).group === group);
  return own.map(({ name, brief }, at) => {
    const lead = `${(at === 0 ? group : '').padEnd(10)}${name}`.padEnd(NAME_COLUMN);
    return cut(`${INDENT.slice(1)}${lead}${brief}`, width);
  });
}

/** A line for each command keeps the list on a screen. */
function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = text.lastIndexOf(' ', width - 1);
  return `${text.slice(0, end)} …`;
}

/** An option or argument, and its text beside it. */
function entry(name: string, text: string, width: number): string[] {
  const left = `${INDENT}${name}`;
  const indent = ' '.repeat(TEXT_COLUMN);
  const lines = wrap(text, width, indent, indent);
  const fits = left.length <= TEXT_COLUMN - 2;
  if (!fits) return [left, ...lines];
  const [first = '', ...others] = lines;
  return [`${left.padEnd(TEXT_COLUMN)}${first.slice(TEXT_COLUMN)}`.trimEnd(), ...others];
}

/** Parts with an empty line between them. The first line of a part is its heading if it ends with a colon. */
function blocks(colour: boolean, parts: readonly (readonly string[])[]): Lines {
  return joinBlocks(
    parts.filter(lines => lines.length > 0).map(lines => part(colour, lines)),
    1,
  );
}

function part(colour: boolean, lines: readonly string[]): Lines {
  const [heading = '', ...others] = lines;
  if (!colour || !heading.endsWith(':') || others.length === 0) return joinLines(lines);
  return joinBlocks([bold(line(heading)), joinLines(others)]);
}
