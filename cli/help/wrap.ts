/** Text in lines of a width, broken between words. */

/** `rest` begins all lines but the first, which `first` begins. A word that is longer than a line has one of its own. */
export function wrap(text: string, width: number, rest = '', first = ''): string[] {
  const lines: string[] = [];
  let current = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && current.length + 1 + word.length > width) {
      lines.push(current);
      current = rest;
      isEmpty = true;
    }
    current += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, current];
}
