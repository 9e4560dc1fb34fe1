/** Options of `link` and `relink` that edit symbols and sections, as options of the library. */

import { given } from '../../src/bytes/index.ts';
import { quote, usageError } from '../../src/diag/index.ts';
import {
  type AliasRequest,
  type EditOptions,
  findInput,
  parseSelector,
  type SelectedRename,
  type Selector,
} from '../../src/link/index.ts';

type Words = readonly string[];

export interface EditFlags {
  readonly defsym?: Words;
  readonly redefineSym?: Words;
  readonly prefixSymbols?: Words;
  readonly localizeSymbol?: Words;
  readonly globalizeSymbol?: Words;
  readonly keepGlobalSymbol?: Words;
  readonly hide?: Words;
  readonly weakenSymbol?: Words;
  readonly wrap?: Words;
  readonly renameSection?: Words;
}

/** An option that may be given several times. */
export function listFlag<const P extends string>(placeholder: P, brief: string) {
  return { kind: 'parsed', parse: String, variadic: true, optional: true, brief, placeholder } as const;
}

export const EDIT_FLAGS = {
  defsym: listFlag('NEW=OLD', 'Define NEW as an alias of OLD'),
  redefineSym: listFlag('OLD=NEW', 'Rename a symbol; here and below a name may be FILE:NAME'),
  prefixSymbols: listFlag('FILE=PREFIX', 'Prefix all names that FILE defines'),
  localizeSymbol: listFlag('SYM', 'Make a global function or variable static'),
  globalizeSymbol: listFlag('SYM', 'Make a static function or variable global'),
  keepGlobalSymbol: listFlag('SYM,SYM', 'Localize all other global symbols, except programs and maps'),
  hide: listFlag('SYM', 'Make a symbol hidden: the verifier then checks it as part of its callers'),
  weakenSymbol: listFlag('SYM', 'Make a symbol weak'),
  wrap: listFlag('SYM', 'Resolve references to SYM to __wrap_SYM, and references to __real_SYM to SYM'),
  renameSection: listFlag('OLD=NEW', 'Rename a section'),
};

/** License of the result of `link` and `relink`. */
export const LICENSE_FLAG = {
  kind: 'parsed',
  parse: String,
  optional: true,
  brief: 'State the license of the result as TEXT, in place of what the inputs agree on',
  placeholder: 'TEXT',
} as const;

/** The requested edits; undefined if there are none. Throws `usage-…` for malformed arguments. */
export function editOptions(
  flags: EditFlags,
  inputs: readonly { readonly name: string }[],
): Required<EditOptions> | undefined {
  const asked = Object.keys(EDIT_FLAGS).some(key => (flags[key as keyof EditFlags] ?? []).length > 0); // keys of the flags
  if (!asked) return undefined;
  const selectors = (words: Words = []): Selector[] => words.map(parseSelector);
  return {
    defsym: (flags.defsym ?? []).map(parseAlias),
    redefine: (flags.redefineSym ?? []).map(word => {
      const [from, to] = splitPair(word, '--redefine-sym', 'OLD=NEW');
      return renameOf(parseSelector(from), to);
    }),
    prefix: (flags.prefixSymbols ?? []).map(word => {
      const [file, prefix] = splitPair(word, '--prefix-symbols', 'FILE=PREFIX');
      return { file, prefix };
    }),
    renameSections: (flags.renameSection ?? []).map(word => {
      const [from, to] = splitPair(word, '--rename-section', 'OLD=NEW');
      return renameOf(sectionSelector(from, inputs), to);
    }),
    localize: selectors(flags.localizeSymbol),
    globalize: selectors(flags.globalizeSymbol),
    keepGlobal: (flags.keepGlobalSymbol ?? []).flatMap(parseList),
    hide: selectors(flags.hide),
    weaken: selectors(flags.weakenSymbol),
    wrap: selectors(flags.wrap),
  };
}

/** At the last `=`: names have none, files may. */
function splitPair(word: string, option: string, form: string): readonly [string, string] {
  const equals = word.lastIndexOf('=');
  if (equals <= 0 || equals === word.length - 1)
    throw usageError('usage-pair', `${option} ${quote(word)} is not ${form}`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function parseAlias(word: string): AliasRequest {
  const equals = word.indexOf('=');
  if (equals <= 0 || equals === word.length - 1)
    throw usageError('usage-pair', `--defsym ${quote(word)} is not NEW=OLD`);
  const { file, name } = parseSelector(word.slice(equals + 1));
  return { name: word.slice(0, equals), target: name, ...given({ file }) };
}

function renameOf({ file, name }: Selector, to: string): SelectedRename {
  return { from: name, to, ...given({ file }) };
}

/** `[FILE:]NAME,NAME`. */
function parseList(word: string): Selector[] {
  const { file, name } = parseSelector(word);
  return name
    .split(',')
    .filter(part => part !== '')
    .map(part => ({ name: part, ...given({ file }) }));
}

/**
 * Names of sections may have colons (`uprobe//bin/sh:main`): the text before one is a file only if it is an
 * input.
 */
function sectionSelector(text: string, inputs: readonly { readonly name: string }[]): Selector {
  const { file, name } = parseSelector(text);
  return file !== undefined && findInput(inputs, file).ok ? { file, name } : { name: text };
}

/** Symbols of `--trace-symbol` (`--explain` is accepted as well). */
export function tracedSymbols(flags: {
  readonly traceSymbol?: readonly string[];
  readonly explain?: readonly string[];
}): string[] {
  return [flags.traceSymbol, flags.explain].flatMap(names => names ?? []);
}
