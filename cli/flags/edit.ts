/** Options of `link` that operate on symbols and sections, and what they mean for the library. */

import { usageError } from '../../src/diag/index.ts';
import {
  type AliasRequest,
  findInput,
  parseSelector,
  type SelectedRename,
  type Selector,
  type SurgeryOptions,
} from '../../src/link/index.ts';

type Words = readonly string[];

export interface SurgeryFlags {
  readonly defsym?: Words;
  readonly redefineSym?: Words;
  readonly prefixSymbols?: Words;
  readonly localize?: Words;
  readonly globalize?: Words;
  readonly keepGlobal?: Words;
  readonly hide?: Words;
  readonly weaken?: Words;
  readonly wrap?: Words;
  readonly renameSection?: Words;
}

/** An option that may be given several times. */
export function listFlag<const P extends string>(placeholder: P, brief: string) {
  return { kind: 'parsed', parse: String, variadic: true, optional: true, brief, placeholder } as const;
}

export const SURGERY_FLAGS = {
  defsym: listFlag('NEW=OLD', 'Give OLD a second name'),
  redefineSym: listFlag('OLD=NEW', 'Rename symbols; here and below a name may be FILE:NAME'),
  prefixSymbols: listFlag('FILE=PREFIX', 'Put PREFIX in front of all names that FILE defines'),
  localize: listFlag('SYM', 'Make a global function or variable static'),
  globalize: listFlag('SYM', 'Make a static function or variable global'),
  keepGlobal: listFlag('SYM,SYM', 'Make all others static (not programs and maps)'),
  hide: listFlag('SYM', 'Make a symbol hidden, so that the verifier does not check it on its own'),
  weaken: listFlag('SYM', 'Make a symbol weak'),
  wrap: listFlag('SYM', 'Send references to SYM to __wrap_SYM, and those to __real_SYM to SYM'),
  renameSection: listFlag('OLD=NEW', 'Rename sections'),
};

/** What was asked for; undefined when nothing was. Throws `usage-…` for words that make no sense. */
export function surgeryOptions(
  flags: SurgeryFlags,
  inputs: readonly { readonly name: string }[],
): SurgeryOptions | undefined {
  const asked = Object.keys(SURGERY_FLAGS).some(key => (flags[key as keyof SurgeryFlags] ?? []).length > 0); // keys of the flags
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
    localize: selectors(flags.localize),
    globalize: selectors(flags.globalize),
    keepGlobal: (flags.keepGlobal ?? []).flatMap(parseList),
    hide: selectors(flags.hide),
    weaken: selectors(flags.weaken),
    wrap: selectors(flags.wrap),
  };
}

/** At the last `=`: names have none, files may. */
function splitPair(word: string, option: string, form: string): readonly [string, string] {
  const equals = word.lastIndexOf('=');
  if (equals <= 0 || equals === word.length - 1)
    throw usageError('usage-pair', `${option} ${JSON.stringify(word)} is not ${form}`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function parseAlias(word: string): AliasRequest {
  const equals = word.indexOf('=');
  if (equals <= 0 || equals === word.length - 1)
    throw usageError('usage-pair', `--defsym ${JSON.stringify(word)} is not NEW=OLD`);
  const { file, name } = parseSelector(word.slice(equals + 1));
  return { name: word.slice(0, equals), target: name, ...(file === undefined ? {} : { file }) };
}

function renameOf({ file, name }: Selector, to: string): SelectedRename {
  return { from: name, to, ...(file === undefined ? {} : { file }) };
}

/** `[FILE:]NAME,NAME`. */
function parseList(word: string): Selector[] {
  const { file, name } = parseSelector(word);
  return name
    .split(',')
    .filter(part => part !== '')
    .map(part => ({ name: part, ...(file === undefined ? {} : { file }) }));
}

/** Names of sections may have colons (`uprobe//bin/sh:main`): what stands before one is a file only if it is an input. */
function sectionSelector(text: string, inputs: readonly { readonly name: string }[]): Selector {
  const { file, name } = parseSelector(text);
  return file !== undefined && findInput(inputs, file).ok ? { file, name } : { name: text };
}
