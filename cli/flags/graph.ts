/** `--graph FILE`: a picture, as SVG or as DOT by the name of the file. */

/** Brief of the option in a command. */
export function graphFlag(what: string) {
  return {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: `Draw ${what} to FILE: .svg, .dot, or - for DOT on stdout`,
    placeholder: 'FILE',
  } as const;
}
