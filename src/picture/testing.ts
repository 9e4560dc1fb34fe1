/** Pictures for tests, and names that try to be more than text. Not shipped. */

import { edge, node, type Picture } from './model.ts';

/** Ends of texts and tags, entities, escapes of DOT, controls, directions, lone surrogates, no characters. */
export const HOSTILE = [
  '"];evil[label="',
  '\\',
  'a\\"',
  '</b>><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '&lt;b&gt; &#60; &nbsp;',
  'two\nlines\r\t',
  '\\N \\G \\E \\l',
  '\u202egnp.exe \u2066\u200b',
  '\u001b[31m\u0007\u009b',
  '\ud800 \udfff \ufffe \uffff',
  ']]> --> /* // #',
  '',
  'x'.repeat(100_000),
];

/** A picture with nothing in it but `parts`. */
export function picture(parts: Partial<Picture>): Picture {
  return {
    title: 'a.o',
    details: [],
    direction: 'right',
    nodes: [],
    edges: [],
    clusters: [],
    marked: null,
    notes: [],
    ...parts,
  };
}

/** Text of a file wherever a picture has any. */
export function hostilePicture(name: string): Picture {
  return picture({
    title: name,
    details: [name],
    notes: [name],
    marked: name,
    nodes: [node(name, 'program', name, [name]), node(`${name}2`, 'block', name, [name])],
    edges: [edge(name, `${name}2`, 'call', name)],
    clusters: [{ label: name, details: [name], nodes: [name] }],
  });
}
