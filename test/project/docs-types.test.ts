/**
 * Every `ts` and `js` block of the docs, and every example, is compiled against the types that the package publishes
 * (`dist/`, through `exports` of package.json). Blocks of `ts` strictly; blocks of `js` as an editor checks JavaScript.
 *
 * What a `ts` block takes from its surroundings precedes it in a comment that pages do not show:
 * `<!-- given: declare const packet: Uint8Array; -->`. `<!-- file: test/vm/x.ts -->` names the place of a file whose
 * imports are relative.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = ['README.md', 'examples/README.md', ...readdirSync('docs').map(name => `docs/${name}`)];

interface Block {
  /** Page and line. */
  readonly title: string;
  readonly language: 'ts' | 'js';
  /** Where the compiler is to find it. */
  readonly file: string;
  readonly code: string;
}

const BLOCK = /((?:^<!--[\s\S]*?-->\n+)*)^```(ts|js)\n([\s\S]*?)^```$/gm;

function blocksOf(page: string): Block[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  return [...text.matchAll(BLOCK)].map(([whole, comments = '', language, code = ''], at) => {
    const line = text.slice(0, text.indexOf(whole)).split('\n').length;
    const given = [...comments.matchAll(/<!-- given:([\s\S]*?)-->/g)].map(match => match[1]).join('\n');
    const place = /<!-- file: (\S+) -->/.exec(comments)?.[1];
    const kind = language === 'js' ? 'js' : 'ts';
    const file = path.join(ROOT, place ?? `${page.replaceAll('/', '-')}-${at}.m${kind}`);
    return { title: `${page}:${line}`, language: kind, file, code: `${given}\n${code}\nexport {};\n` };
  });
}

function examples(): Block[] {
  return readdirSync(path.join(ROOT, 'examples/api')).map(name => {
    const title = `examples/api/${name}`;
    const file = path.join(ROOT, title);
    return { title, language: 'js', file, code: readFileSync(file, 'utf8') };
  });
}

const COMMON: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  noEmit: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
};
const OPTIONS = {
  ts: { ...COMMON, strict: true, exactOptionalPropertyTypes: true },
  js: { ...COMMON, allowJs: true, checkJs: true, strict: false, strictNullChecks: true },
};

/** Problems of each block, as text. */
function problemsOf(blocks: readonly Block[], options: ts.CompilerOptions): ReadonlyMap<string, string[]> {
  const files = new Map(blocks.map(block => [block.file, block.code]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = name => files.has(name) || fileExists(name);
  host.readFile = name => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, target, ...rest) => {
    const code = files.get(name);
    return code === undefined
      ? getSourceFile(name, target, ...rest)
      : ts.createSourceFile(name, code, target, true);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return new Map(
    blocks.map(({ title, file }) => {
      const source = program.getSourceFile(file);
      const found = source === undefined ? [] : ts.getPreEmitDiagnostics(program, source);
      return [title, found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))];
    }),
  );
}

const all = [...PAGES.filter(page => page.endsWith('.md')).flatMap(blocksOf), ...examples()];

describe.each(['ts', 'js'] as const)('%s', language => {
  const blocks = all.filter(block => block.language === language);
  const problems = existsSync(path.join(ROOT, 'dist/lib/index.d.ts'))
    ? problemsOf(blocks, OPTIONS[language])
    : new Map<string, string[]>();

  test('there are blocks, and the build whose types they use', () => {
    expect(blocks.length).toBeGreaterThan(4);
    expect(problems.size, 'npm run build').toBe(blocks.length);
  });

  test.for(blocks.map(({ title }) => title))('%s', title => {
    expect(problems.get(title)).toEqual([]);
  });
});

describe('published types', () => {
  test('are complete: nothing refers to what is not published', () => {
    const entries = readdirSync(path.join(ROOT, 'dist/lib')).filter(name => name.endsWith('.d.ts'));
    const options: ts.CompilerOptions = { ...OPTIONS.ts, skipLibCheck: false };
    const program = ts.createProgram(
      entries.map(name => path.join(ROOT, 'dist/lib', name)),
      options,
    );
    const found = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const place = file === undefined ? '' : path.relative(ROOT, file.fileName);
      return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    // Node's own types disagree with each other
    expect(found.filter(problem => problem.startsWith('dist'))).toEqual([]);
  });
});
