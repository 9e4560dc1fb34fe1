/**
 * The words of docs/glossary.md, in comments, messages, test names and documentation: phrases that were replaced do not
 * come back. Code itself (identifiers) is not checked.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SITE = ['build', 'drawings', 'pages', 'playground'].map(name => `site/${name}`);
const DIRECTORIES = ['src', 'cli', 'bench', 'scripts', 'test', 'docs', 'examples', 'bin', ...SITE];
const PAGES = ['README.md', 'CHANGELOG.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];
const SELF = 'test/project/english.test.ts';

/** A phrase, and what to write instead. Only phrases that are wrong wherever they appear. */
const REPLACED: readonly (readonly [RegExp, string])[] = [
  [/\bfolders?\b/i, 'directory'],
  [/\blicences?\b/i, 'license'],
  [/\bcall-backs?\b/i, 'callback'],
  [/\bsecond names?\b/i, 'alias'],
  [/\btables? of operations\b/i, 'struct_ops map'],
  [/\bsymbol surgery\b/i, 'symbol edits'],
  [/\bbinding and standing\b|\bchanges standing\b/i, 'binding and visibility'],
  [/\boperated on\b/i, 'after symbol edits'],
  [/\banew\b/i, 'again; reloaded, rebuilt, refilled, relinked; reset'],
  [/\blets? go of\b|\bletting go of\b/i, 'unload, release'],
  [/\b(?:is|are|was|were|be|been) told\b/i, 'is reported'],
  [/\b(?:is|are|was|were|be) said\b/i, 'is reported, is specified'],
  [/\b(?:and|than|by|with|to|from|for) us\b(?!-)|\bof ours\b/i, 'rootlet'],
  [/\btold apart\b|\btells? (?:them|\w+ of a file) apart\b/i, 'distinguished'],
  [/\bwho (?:won|lost)\b/i, 'chosen definition, discarded definition'],
  [/(?<!there )\b(?:is|was) no (?!longer\b|more\b|less\b|other\b|such\b)(?=[a-z])/i, 'is not a …'],
  [/(?<!there )\b(?:are|were) no (?!longer\b|more\b|less\b|other\b|such\b)(?=[a-z])/i, 'are not …'],
  [/\bis not in words\b/i, 'length is not a multiple of 4'],
  [/\bin words\b(?! of)/i, 'as text'],
  [/\bgives? nothing called\b/i, 'does not export'],
  [/\bnothing can carry\b/i, 'no back end can bind'],
  [/\b(?:hands?|handed) on\b/i, 'pass'],
  [/\bhas no opinion\b/i, 'neutral verdict'],
  [/\bprograms that may sleep\b/i, 'sleepable programs'],
  [/\bsays "not by itself"/i, 'autoload is disabled'],
  [/\bsays nothing with\b|\bhas no answer with\b/i, 'has no effect with'],
  [/\bsomebody\b/i, 'another process, another user'],
  [/\bnobody (?:[a-z]+s|can|may|will|would|must|else|who)\b/i, 'no other process, nothing; unused'],
  [/\bfor people\b/i, 'for users, as text'],
  [/\bendless loops?\b/i, 'infinite loop'],
  [/\btyping errors?\b/i, 'typo'],
  [/\bcompiled apart\b|\bbuilt apart\b/i, 'compiled separately'],
  [/\btalk to stderr\b/i, 'diagnostics to stderr'],
  [/\b(?:bug|mistake)s? of ours\b|\ba bug in rootlet\b/i, 'internal error'],
  [/\bas ever\b/i, 'as usual'],
  [/\bhardly ever\b/i, 'rarely'],
  [/\bfor ever\b/i, 'forever'],
  [/\bin turn\b/i, 'one after the other; or nothing'],
  [/\bin front of\b/i, 'before'],
  [/\bbehind (?:it|them|one another|each other|the (?:end|last|first|call|start|header))\b/i, 'after'],
  [/\b(?:come|comes|came) to lie\b/i, 'is placed'],
  [
    /\bl(?:ie|ies|ay) (?:in|at|on|behind|between|beside|below|above|inside|outside|there|where)\b/i,
    'is in, is at',
  ],
  [/\bst(?:and|ands|ood) (?:in|at|on|behind|beside|before|there|where)\b/i, 'is in, is at'],
];

interface Prose {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

function filesBelow(directory: string): string[] {
  return readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .map(name => `${directory}/${name.replaceAll(path.sep, '/')}`)
    .filter(name => /\.(?:ts|js|md)$/.test(name) && name !== SELF)
    .sort();
}

/** Comments and string literals, without the names of imported files. */
function proseOf(name: string, text: string): Prose[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const ranges = new Map<number, number>();
  const visit = (node: ts.Node): void => {
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
      ranges.set(range.pos, range.end);
    for (const range of ts.getTrailingCommentRanges(text, node.getEnd()) ?? [])
      ranges.set(range.pos, range.end);
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      ranges.set(node.getStart(source), node.getEnd());
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...ranges].map(([start, end]) => ({
    text: text.slice(start, end),
    line: source.getLineAndCharacterOfPosition(start).line + 1,
  }));
}

/** As `REPLACED`, with any number of spaces as `wordsOf` has them. */
const PHRASES = REPLACED.map(
  ([phrase, instead]) => [new RegExp(phrase.source.replaceAll(' ', ' \u200b*'), 'i'), instead] as const,
);
const ANY = new RegExp(PHRASES.map(([phrase]) => phrase.source).join('|'), 'i');

/** A phrase may be wrapped, in a comment or in a paragraph: line breaks count as spaces. Places stay as they are. */
function wordsOf(text: string): string {
  const flat = text.replace(/\n[ \t]*(?:\*(?!\/)|\/\/|>)?[ \t]*/g, breaks => ' '.repeat(breaks.length));
  return flat.replace(/ {2,}/g, spaces => ` ${'\u200b'.repeat(spaces.length - 1)}`);
}

function findings(name: string): string[] {
  const text = readFileSync(path.join(ROOT, name), 'utf8');
  if (!ANY.test(wordsOf(text))) return []; // few files need to be parsed
  const pieces = name.endsWith('.md') ? [{ text, line: 1 }] : proseOf(name, text);
  return pieces.flatMap(piece => {
    const words = wordsOf(piece.text);
    return PHRASES.flatMap(([phrase, instead]) => {
      const found = phrase.exec(words);
      if (found === null) return [];
      const line = piece.line + (piece.text.slice(0, found.index).split('\n').length - 1);
      return [`${name}:${line}: "${found[0].replaceAll('\u200b', '')}", better: ${instead}`];
    });
  });
}

test('replaced phrases do not come back', () => {
  expect([...DIRECTORIES.flatMap(filesBelow), ...PAGES].flatMap(findings)).toEqual([]);
}, 60_000);

test('the glossary has one row for each word', () => {
  const rows =
    readFileSync(path.join(ROOT, 'docs/glossary.md'), 'utf8').match(/^\| (?!word|option|-)[^|]+/gm) ?? [];
  const words = rows.map(row => row.slice(2).trim());
  expect(words.length).toBeGreaterThan(30);
  expect(words).toEqual([...new Set(words)]);
});
