/**
 * Response files, `@FILE` among the arguments, by the rules of GNU's tools: words are separated by white
 * space, quotes of either kind keep it in a word, a backslash escapes the next character, and the file may
 * refer to further ones.
 */

import { quote, usageError } from '../../src/diag/index.ts';

/** Limit of nested files; a file that includes itself would never end. */
const MAX_DEPTH = 16;

/** `words` with every `@FILE` replaced by the words in that file. `read` gives a file's text, or throws. */
export function expandWords(words: readonly string[], read: (path: string) => string, depth = 0): string[] {
  return words.flatMap(word => {
    if (!word.startsWith('@') || word.length === 1) return [word];
    const path = word.slice(1);
    if (depth >= MAX_DEPTH)
      throw usageError('usage-response-file', `${quote(path)}: response files are nested too deeply`, {
        hint: `at most ${MAX_DEPTH} levels; does one include itself?`,
      });
    return expandWords(splitWords(read(path), path), read, depth + 1);
  });
}

/** Words of a response file. Throws `usage-response-file` for a quote that is not closed. */
export function splitWords(text: string, path: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let open = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\' && at + 1 < text.length) word = (word ?? '') + text.charAt(++at);
    else if (open !== '') {
      if (char === open) open = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      open = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (open !== '') throw usageError('usage-response-file', `${quote(path)}: a quote (${open}) is not closed`);
  if (word !== null) words.push(word);
  return words;
}
