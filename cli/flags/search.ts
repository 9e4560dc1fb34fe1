/**
 * Which files a link reads: libraries by name (`-L`, `-l`), archives taken whole, members of thin archives;
 * and the spellings of linker options that the argument parser does not know (`-lNAME`, `-LDIR`,
 * `--start-group`).
 */

import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { elementAt } from '../../src/bytes/index.ts';
import { inputError, type Problem, quote, RootletError } from '../../src/diag/index.ts';
import type { ArchiveInput } from '../../src/link/index.ts';
import { lazyInput, readNamed } from '../io/files.ts';

/** Archives are searched until no further member is needed, so groups have no effect. */
const GROUP_WORDS: ReadonlySet<string> = new Set(['--start-group', '--end-group', '-(', '-)']);

/** Options whose value may follow without a space. */
const ATTACHED: readonly string[] = ['-l', '-L', '-o', '-O'];

/** The arguments of `link` as the parser expects them: `-lfoo` as two words, no groups. */
export function splitLinkWords(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const [options, rest] = end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end)];
  const words = options
    .filter(word => !GROUP_WORDS.has(word))
    .flatMap(word =>
      word.length > 2 && ATTACHED.includes(word.slice(0, 2)) ? [word.slice(0, 2), word.slice(2)] : [word],
    );
  return [...words, ...rest];
}

export interface InputRequest {
  /** Objects and archives. */
  readonly paths: readonly string[];
  /** Names as in `-l foo`; `:NAME` is the file's own name. */
  readonly libraries: readonly string[];
  /** Directories for libraries, in order. */
  readonly directories: readonly string[];
  /**
   * Archives to take all of: paths, or names of libraries as in `-l`. Those that are not inputs yet become
   * inputs.
   */
  readonly whole: readonly string[];
}

/**
 * The inputs in order: files, then libraries, then archives that only `whole` names. Libraries that are not
 * there throw.
 */
export function findInputs(request: InputRequest): ArchiveInput[] {
  const problems: Problem[] = [];
  const found = request.libraries.flatMap(name => findLibrary(name, request.directories, problems));
  if (problems.length > 0) throw new RootletError(problems);
  const named = new Map(request.libraries.map((name, position) => [name, elementAt(found, position)]));
  const whole = new Set(request.whole.map(word => named.get(word) ?? word));
  const paths = [...request.paths, ...found];
  const all = [...paths, ...[...whole].filter(path => !paths.includes(path))];
  return all.map(path => (whole.has(path) ? wholeInput(path) : lazyInput(path)));
}

function findLibrary(name: string, directories: readonly string[], problems: Problem[]): string[] {
  const file = name.startsWith(':') ? name.slice(1) : `lib${name}.a`;
  const path = directories.map(directory => join(directory, file)).find(candidate => existsSync(candidate));
  if (path !== undefined) return [path];
  const { problems: missing } = inputError(
    'file-library',
    [],
    `there is no library ${quote(name)}: no ${quote(file)} in ${directories.length === 0 ? 'any directory' : directories.map(quote).join(', ')}`,
    directories.length === 0 ? { hint: 'specify where libraries are: -L DIR' } : {},
  );
  problems.push(...missing);
  return [];
}

function wholeInput(path: string): ArchiveInput {
  const lazy = lazyInput(path);
  return {
    name: lazy.name,
    wholeArchive: true,
    get bytes() {
      return lazy.bytes;
    },
  };
}

/**
 * Contents of a file that a thin archive names: beside the archive, unless the name is absolute. The archive may name
 * anything, so that only regular files are read.
 */
export function readMember(archive: string, member: string): Uint8Array {
  return readNamed(isAbsolute(member) ? member : join(dirname(archive), member)).bytes;
}
