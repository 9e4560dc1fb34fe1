/**
 * How deep the collections of a YAML file are.
 *
 * Separate from the reader, because it comes before everything that recurses: thousands of brackets end the
 * process otherwise.
 */

import { CST, Lexer, Parser } from 'yaml';

/** Tokens of a text, or the offset of the first collection that is more than `most` levels deep. */
export type Parsed =
  | { readonly ok: true; readonly tokens: readonly CST.Token[] }
  | { readonly ok: false; readonly offset: number };

/** Parses as far as the limit allows. `onLine` is called with the offset of each line. */
export function parseTokens(text: string, most: number, onLine: (offset: number) => void): Parsed {
  const flow = deepBracket(text, most);
  const tokens = [...new Parser(onLine).parse(flow === undefined ? text : text.slice(0, flow))];
  const offset = flow ?? deepToken(tokens, most);
  return offset === undefined ? { ok: true, tokens } : { ok: false, offset };
}

/** The parser takes quadratic time for brackets, the lexer does not. */
function deepBracket(text: string, most: number): number | undefined {
  let depth = 0;
  let offset = 0;
  let isContent = false;
  for (const lexeme of new Lexer().lex(text)) {
    const type: string | null = isContent ? 'content' : CST.tokenType(lexeme);
    isContent = type === 'scalar';
    if (type === 'flow-seq-start' || type === 'flow-map-start') depth++;
    if (type === 'flow-seq-end' || type === 'flow-map-end') depth--;
    if (depth > most) return offset;
    // these mark what follows, and are not in the text
    if (type !== 'scalar' && type !== 'doc-mode' && type !== 'flow-error-end') offset += lexeme.length;
  }
  return undefined;
}

function deepToken(tokens: readonly CST.Token[], most: number): number | undefined {
  const stack = tokens.map(token => ({ token, depth: 0 }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { token, depth } = next;
    if (depth > most) return token.offset;
    for (const inner of childrenOf(token)) stack.push({ token: inner, depth: depth + 1 });
  }
  return undefined;
}

function childrenOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap(item => [item.key, item.value].filter(one => one !== null && one !== undefined));
}
