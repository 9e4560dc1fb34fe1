/**
 * Text of several lines, each of which is one. `Lines` can only be made here, so that no name from a file makes a
 * line of its own: whatever prints takes `Lines`.
 */

import { oneLine, printable, printableJson } from './printable.ts';
import { formatProblem, type Problem } from './problem.ts';

declare const made: unique symbol;

/** Printable lines, without the line feed at the end of the last one. */
export type Lines = string & { readonly [made]: true };

/** Each text on a line of its own, whatever is in it. */
export function joinLines(lines: readonly string[]): Lines {
  return lines.map(oneLine).join('\n') as Lines;
}

/** One line. */
export function line(text: string): Lines {
  return oneLine(text) as Lines;
}

/** Parts of lines below each other; `between`: empty lines. */
export function joinBlocks(parts: readonly Lines[], between = 0): Lines {
  return parts.join('\n'.repeat(between + 1)) as Lines;
}

/** A problem as it is shown, after `prefix`. `colour`: prefix and hint stand out, as those of compilers. */
export function problemLines(problem: Problem, prefix = '', colour = false): Lines {
  const text = formatProblem(problem);
  if (!colour) return `${oneLine(prefix)}${text}` as Lines;
  const shown = problem.hint === undefined ? text : text.replace(HINT, '\n  \u001b[1;36mhint:\u001b[0m');
  return `\u001b[1;31m${oneLine(prefix)}\u001b[0m${shown}` as Lines;
}

/** In the last line. */
const HINT = /\n {2}hint:(?=[^\n]*$)/;

/** A JSON document; characters that a terminal obeys are written as `\\uXXXX`. */
export function jsonLines(json: string): Lines {
  return printableJson(json) as Lines;
}

/** A finding: a mark in a colour of ECMA-48 (null: none), and what it is about. */
export function marked(mark: string, color: number | null, text: string): Lines {
  const shown = color === null ? mark : `\u001b[${color}m${mark}\u001b[0m`;
  return `  ${shown} ${oneLine(text)}` as Lines;
}

/** Text whose line feeds are meant, as that of a file or of rows that were checked. */
export function asLines(text: string): Lines {
  return printable(text) as Lines;
}

/** Bold, as headings are shown on terminals. */
export function bold(text: Lines): Lines {
  return `\u001b[1m${text}\u001b[0m` as Lines;
}
