/**
 * Text that a terminal only shows. Names come from files; a name could hold what moves the cursor, changes the
 * title, reverses the direction of text or cannot be seen. The one owner of what counts as such, for text and
 * for JSON.
 */

/**
 * Controls (C0, DEL, C1), format characters (directions, zero width, tags), line and paragraph separators, lone
 * surrogates, and what is ignored when it is shown; all but line feed and tab.
 */
const NOT_SHOWN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/gu;
/** Almost every text; found faster. */
const PLAIN = /^[\n\t\x20-\x7e]*$/;

/** `text` with everything made visible that a terminal obeys or hides; line feeds and tabs stay. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(NOT_SHOWN, visible);
}

function visible(character: string): string {
  const code = Number(character.codePointAt(0));
  const digits = code.toString(16);
  if (code <= 0xff) return `\\x${digits.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\u{${digits}}`;
}

/** The same on one line: line feeds are made visible as well. */
export function oneLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n');
}

/** A name from a file, in double quotes, printable and on one line. */
export function quote(name: string): string {
  return `"${printableName(name)}"`;
}

/** A name from a file without quotes. */
export function printableName(name: string): string {
  return oneLine(name).replaceAll('\t', '\\t');
}

/**
 * A name from a file as one word of a command that users may copy into a shell. What is not shown becomes an escape of
 * `$'…'`, which bash, zsh and ksh know.
 */
export function shellWord(name: string): string {
  if (/^[\w@%+=:,./-]+$/.test(name)) return name;
  if (printableName(name) === name) return `'${name.replaceAll("'", "'\\''")}'`;
  const escaped = name.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `$'${escaped.replaceAll('\n', '\\n').replaceAll('\t', '\\t').replace(NOT_SHOWN, escapedInYaml)}'`;
}

/** JSON text with the same characters as `\uXXXX`: still the same document. */
export function printableJson(json: string): string {
  return PLAIN.test(json) ? json : json.replace(NOT_SHOWN, escapedInJson);
}

/** YAML text with the same characters as escapes of strings in double quotes, in which they have to be. */
export function printableYaml(yaml: string): string {
  return PLAIN.test(yaml) ? yaml : yaml.replace(NOT_SHOWN, escapedInYaml);
}

function escapedInYaml(character: string): string {
  const digits = Number(character.codePointAt(0)).toString(16);
  return digits.length <= 4 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}

function escapedInJson(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');
}
