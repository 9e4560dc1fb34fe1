/** Pages of commands in Markdown, for the site: a page for each command and each group, and one that lists them. */

import type { Catalog, CatalogEntry } from './catalog.ts';
import { STATUS } from './man.ts';
import { argumentText, type GroupPage, type Page } from './page.ts';
import { optionText } from './text.ts';
import { type Example, FIRST_STEPS, GROUPS, topicOf } from './topics.ts';

export interface MarkdownPage {
  /** `xdp-load.md` */
  readonly file: string;
  readonly text: string;
}

export function markdownPages(catalog: Catalog): MarkdownPage[] {
  return [
    { file: 'index.md', text: rootPage(catalog) },
    ...catalog.flatMap(entry =>
      entry.kind === 'command' ? [commandPage(entry.page)] : groupPages(entry.group),
    ),
  ];
}

function groupPages(group: GroupPage): MarkdownPage[] {
  return [groupPage(group), ...group.commands.map(commandPage)];
}

/** Name of the page of a command, without its extension. */
export function pageName(command: string): string {
  return command.replaceAll(' ', '-');
}

function rootPage(catalog: Catalog): string {
  const groups = GROUPS.map(group => {
    const own = catalog.filter(({ name }) => topicOf(name).group === group);
    return [`## ${group}`, tableOf(['command', 'what it does'], own.map(rootRow))].join('\n\n');
  });
  const usage = '`rootlet COMMAND [OPTION]... [ARGUMENT]...`';
  return document('Commands', [usage, ...groups, '## First steps', exampleBlock(FIRST_STEPS), STATUS_TABLE]);
}

function rootRow({ name, brief }: CatalogEntry): string[] {
  return [`[\`${name}\`](${pageName(name)}.md)`, prose(brief)];
}

function groupPage({ command, description, commands }: GroupPage): MarkdownPage {
  const rows = commands.map(page => [
    `[\`${page.command}\`](${pageName(page.command)}.md)`,
    prose(page.brief),
  ]);
  const { examples, docs } = topicOf(command);
  const text = document(`rootlet ${command}`, [
    `\`rootlet ${command} COMMAND ...\``,
    paragraphs(description),
    '## Commands',
    tableOf(['command', 'what it does'], rows),
    ...section('Examples', exampleBlock(examples)),
    ...section('See also', documents(docs)),
  ]);
  return { file: `${pageName(command)}.md`, text };
}

function commandPage(page: Page): MarkdownPage {
  const described = page.arguments.filter(({ brief }) => brief !== '');
  const text = document(`rootlet ${page.command}`, [
    `\`\`\`text\nrootlet ${page.command} ${page.usage}\n\`\`\``,
    paragraphs(page.description),
    ...section('Examples', exampleBlock(page.examples)),
    ...section(
      'Arguments',
      tableOf(
        ['argument', 'meaning'],
        described.map(one => [cell(argumentText(one)), prose(one.brief)]),
      ),
    ),
    '## Options',
    ...page.sections.flatMap(({ title, options }) => [
      `### ${title}`,
      tableOf(
        ['option', 'meaning'],
        options.map(option => [cell(optionText(option).trim()), prose(option.brief)]),
      ),
    ]),
    STATUS_TABLE,
    ...section('See also', documents(page.docs)),
  ]);
  return { file: `${pageName(page.command)}.md`, text };
}

function document(title: string, parts: readonly string[]): string {
  return `${[`# ${title}`, ...parts.filter(part => part !== '')].join('\n\n')}\n`;
}

function section(title: string, text: string): string[] {
  return text === '' ? [] : [`## ${title}`, text];
}

const STATUS_TABLE = `## Exit status\n\n${tableOf(
  ['code', 'meaning'],
  STATUS.map(([code, text]) => [String(code), prose(text)]),
)}`;

function documents(docs: readonly string[]): string {
  return docs.map(path => (path.startsWith('docs/') ? `- [${path}](../${path})` : `- ${path}`)).join('\n');
}

function exampleBlock(examples: readonly Example[]): string {
  if (examples.length === 0) return '';
  const lines = examples.map(({ line, text }) => `# ${text}\nrootlet ${line}`);
  return `\`\`\`sh\n${lines.join('\n\n')}\n\`\`\``;
}

/** Lines that begin with spaces are a table. */
function paragraphs(text: string): string {
  const blocks = text.split(/\n(?=\S|$)/).map(block => {
    if (!block.includes('\n ')) return prose(block);
    const [first = '', ...others] = block.split('\n');
    return `${prose(first)}\n\n\`\`\`text\n${others.join('\n')}\n\`\`\``;
  });
  return blocks.join('\n\n');
}

function tableOf(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = [headings, headings.map(() => '---'), ...rows];
  return lines.map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

/** Code in a cell of a table. */
function cell(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

/** Text in which nothing is markup; words that begin with two hyphens are options. */
function prose(text: string): string {
  return text
    .replace(/[\\`*_{}[\]<>|]/g, '\\$&')
    .replace(/(^|[\s(])(--[a-zA-Z][\w-]*)/g, (_, before: string, option: string) => `${before}\`${option}\``);
}
