import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadCatalog, main } from '../main.ts';
import { type CatalogEntry, pagesOf } from './catalog.ts';
import { manualPages } from './man.ts';
import { hasSection } from './sections.ts';
import { commandText, groupText, rootText } from './text.ts';
import { GROUPS, topicNames, topicOf } from './topics.ts';

const catalog = await loadCatalog();
const pages = pagesOf(catalog);

afterEach(() => {
  vi.unstubAllEnvs();
  process.exitCode = 0;
});

async function run(...argv: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  await main(argv, { stdout: { write: text => out.push(text) }, stderr: { write: text => err.push(text) } });
  return { out: out.join(''), err: err.join(''), code: process.exitCode };
}

describe('the table of commands', () => {
  test('has all of them and no other', () => {
    const groups = catalog.filter(({ kind }) => kind === 'group').map(({ name }) => name);
    expect(topicNames().sort()).toEqual([...pages.map(({ command }) => command), ...groups].sort());
  });

  test('puts each into a group of the root page', () => {
    for (const { name } of catalog) expect(GROUPS, name).toContain(topicOf(name).group);
  });

  test.each(pages.map(page => [page.command, page] as const))('%s has examples that parse', (_, page) => {
    const { examples, docs, command, sections } = page;
    expect(examples.length).toBeGreaterThanOrEqual(3);
    expect(docs.length).toBeGreaterThan(0);
    const options = new Set(
      sections.flatMap(section =>
        section.options.flatMap(({ short, long, isNegated }) => [
          ...[`--${long}`, `-${short ?? ''}`],
          ...(isNegated ? [`--no-${long}`] : []),
        ]),
      ),
    );
    for (const { line } of examples) {
      expect(`${line} `.startsWith(`${command} `), line).toBe(true);
      const used = line.split(' ').filter(word => word.startsWith('-'));
      expect(
        used.filter(word => !options.has(word)),
        line,
      ).toEqual([]);
    }
  });

  test('names documentation that exists', () => {
    const named = new Set(topicNames().flatMap(name => topicOf(name).docs));
    expect([...named].filter(name => !existsSync(name))).toEqual([]);
  });

  test.each(pages.map(page => [page.command, page] as const))(
    '%s has a section for each option',
    (_, page) => {
      const keys = page.sections.flatMap(({ options }) => options.map(({ key }) => key));
      expect(keys.filter(key => !hasSection(page.command, key))).toEqual([]);
      expect(new Set(keys).size).toBe(keys.length);
    },
  );
});

/** Longest line that is not one unbreakable word. */
function longest(text: string): number {
  const lines = text.split('\n').filter(line => line.trim().includes(' '));
  return Math.max(...lines.map(line => line.length));
}

describe('pages', () => {
  test.each([60, 80, 120])('are at most %d characters wide', width => {
    for (const page of pages) {
      const text = commandText(page, width);
      const examples = page.examples.map(({ line }) => `  rootlet ${line}`);
      const others = text.split('\n').filter(line => !examples.includes(line));
      expect(longest(others.join('\n')), page.command).toBeLessThanOrEqual(width);
    }
  });

  test('examples fit into 80 characters', () => {
    for (const page of pages) expect(longest(commandText(page, 80)), page.command).toBeLessThanOrEqual(80);
  });

  test('that of all commands fits a screen, and cuts no text', () => {
    const text = rootText(catalog, 80);
    expect(text.split('\n').length).toBeLessThanOrEqual(42);
    expect(longest(text)).toBeLessThanOrEqual(80);
    expect(text).not.toContain('…');
    for (const { name } of catalog) expect(text).toMatch(new RegExp(` ${name} `));
  });

  test('show options with their values, and defaults only where they are values', () => {
    const text = commandText(pageOfName('attach'), 80);
    expect(text).toMatch(/^ {6}--via ext\|tail\|copy {3}Back end/m);
    expect(text).toMatch(/^ {6}--set NAME=VALUE\.\.\. /m);
    expect(commandText(pageOfName('relink'), 80)).toMatch(/^ {6}--\[no-]gc-sections/m);
    for (const page of pages) expect(commandText(page, 80)).not.toContain('default: false');
  });

  function pageOfName(name: string) {
    const page = pages.find(({ command }) => command === name);
    if (page === undefined) throw new Error(`no page of ${name}`);
    return page;
  }

  test.each([
    ['link', '--help'],
    ['link', '-h'],
    ['help', 'link'],
    ['link', 'a.o', '--help', '--nothing'],
  ])('%j prints the page of link', async (...argv) => {
    vi.stubEnv('COLUMNS', '80');
    expect(await run(...argv)).toEqual({ out: `${commandText(pageOfName('link'), 80)}\n`, err: '', code: 0 });
  });

  test.each([['xdp', '--help'], ['help', 'xdp'], ['xdp']])(
    '%j prints the page of the group',
    async (...argv) => {
      vi.stubEnv('COLUMNS', '80');
      const entry = catalog.find((one): one is CatalogEntry & { kind: 'group' } => one.name === 'xdp');
      if (entry?.kind !== 'group') throw new Error('no group');
      expect(await run(...argv)).toEqual({ out: `${groupText(entry.group, 80)}\n`, err: '', code: 0 });
    },
  );

  test.each([
    ['help', 'xdp', 'load'],
    ['xdp', 'help', 'load'],
    ['xdp', 'load', '--help'],
    ['xdp', 'l', '-h'],
  ])('%j prints the page of a command of a group', async (...argv) => {
    const { out, code } = await run(...argv);
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: rootlet xdp load \[OPTION]\.\.\. IFACE/);
  });

  test.each([[[]], [['--help']], [['-h']], [['help']]])('%j prints all commands', async argv => {
    vi.stubEnv('COLUMNS', '80');
    expect(await run(...argv)).toEqual({ out: `${rootText(catalog, 80)}\n`, err: '', code: 0 });
  });

  test.each([
    [['help', 'lnk'], 'there is no command "lnk"\n  hint: did you mean "link"?'],
    [['help', 'nonsense'], 'there is no command "nonsense"\n  hint: rootlet help lists the commands'],
    [['help', 'xdp', 'lod'], 'there is no command "xdp lod"\n  hint: did you mean "load"?'],
    [['help', 'link', 'x'], '"link" has no commands: "x"'],
    [['completion', 'csh'], 'there is no completion for "csh"\n  hint: did you mean "zsh"?'],
    [['completion', 'powershell'], 'there are: "bash", "zsh", "fish"'],
  ])('%j is refused', async (argv, text) => {
    const { out, err, code } = await run(...argv);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toContain(text);
  });
});

describe('manual pages', () => {
  const manuals = manualPages(catalog, '1.2.3');

  test('there is one of each command', () => {
    const names = pages.map(({ command }) => `rootlet-${command.replaceAll(' ', '-')}.1`);
    expect(manuals.map(({ file }) => file)).toEqual(['rootlet.1', ...names]);
  });

  test('all lines are known requests or text', () => {
    for (const { file, text } of manuals) {
      const requests = text.split('\n').filter(line => /^[.']/.test(line));
      const strange = requests.filter(line => !/^\.(TH|SH|SS|TP|PP|nf|fi)( |$)/.test(line));
      expect(strange, file).toEqual([]);
      expect(text, file).not.toMatch(/[^\\]-/);
      expect(text, file).toMatch(/^\.TH /);
    }
  });

  test('options, examples and exit codes are there', () => {
    const link = manuals.find(({ file }) => file === 'rootlet-link.1')?.text ?? '';
    expect(link).toContain('\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIOUT\\fR\nWrite the object to OUT');
    expect(link).toContain('\\fBrootlet link first.o second.o \\-o all.o\\fR');
    expect(link).toMatch(/\.SH EXIT STATUS\n[\s\S]*\\fB70\\fR/);
  });
});
