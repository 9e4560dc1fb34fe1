/** What is different between what is there and what was expected, as lines to read. */

/** Bytes of a row. */
const ROW = 16;
/** Rows, and values, that are shown at most. */
const MOST_SHOWN = 12;

/** Rows that differ, `-` as expected and `+` as it is, with the differing bytes marked; none where nothing does. */
export function packetDifferences(actual: Uint8Array, expected: Uint8Array): string[] {
  const length = Math.max(actual.length, expected.length);
  const rows: string[] = [];
  for (let start = 0; start < length; start += ROW) {
    const [wanted, found] = [expected, actual].map(bytes => bytes.subarray(start, start + ROW));
    if (wanted === undefined || found === undefined || sameRow(wanted, found)) continue;
    const offset = start.toString(16).padStart(4, '0');
    const marks = Array.from({ length: ROW }, (_, at) => (wanted[at] === found[at] ? '  ' : '^^'));
    rows.push(
      `${offset} - ${hex(wanted)}`,
      `${offset} + ${hex(found)}`,
      `       ${marks.join(' ')}`.trimEnd(),
    );
  }
  if (actual.length !== expected.length) rows.unshift(`${actual.length} bytes, expected ${expected.length}`);
  return cut(rows);
}

function sameRow(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
}

/**
 * Places where a value is not as expected, such as `at.x: 5, expected 6`. Members of objects that are not expected are not
 * compared; numbers and bigints are the same if they are equal.
 */
export function valueDifferences(actual: unknown, expected: unknown): string[] {
  const found: string[] = [];
  compare(actual, expected, '', found);
  return cut(found);
}

function compare(actual: unknown, expected: unknown, place: string, found: string[]): void {
  if (isSame(actual, expected)) return;
  if (isObject(actual) && isObject(expected) && isList(actual) === isList(expected)) {
    const [own, wanted] = [new Map(Object.entries(actual)), Object.entries(expected)];
    if (isList(expected) && own.size !== wanted.length)
      found.push(`${label(place)}${own.size} elements, expected ${wanted.length}`);
    for (const [name, value] of wanted) {
      const inner = isList(expected) ? `${place}[${name}]` : place === '' ? name : `${place}.${name}`;
      compare(own.get(name), value, inner, found);
    }
    return;
  }
  found.push(`${label(place)}${shown(actual)}, expected ${shown(expected)}`);
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isSafeInteger(b) && a === BigInt(b);
  if (typeof a === 'number' && typeof b === 'bigint') return isSame(b, a);
  return Object.is(a, b);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isList(value: object): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

function label(place: string): string {
  return place === '' ? '' : `${place}: `;
}

function shown(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (!isObject(value)) return String(value);
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));
}

function cut(lines: readonly string[]): string[] {
  const more = lines.length - MOST_SHOWN;
  return more > 0 ? [...lines.slice(0, MOST_SHOWN), `… and ${more} more`] : [...lines];
}
