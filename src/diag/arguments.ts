/**
 * Wrong argument types at the public functions.
 *
 * TypeScript refuses most of them, JavaScript none, and a path where a file's bytes belong would otherwise
 * fail far from the call. These are mistakes of the calling program, not of its input: a `TypeError` that
 * names the argument, states what to pass and what came instead. Separate from problems, which are data about
 * inputs.
 */

/** A `TypeError` that programs can tell from others. */
export interface ArgumentError extends TypeError {
  readonly code: 'usage-argument';
}

/** `link: inputs[0] must be { name, bytes } or a BpfObject; got a string (read the file first)`. */
export function argumentError(place: string, wanted: string, value: unknown): ArgumentError {
  const hint = hintFor(wanted, value);
  const error = new TypeError(`${place} must be ${wanted}; got ${describeValue(value)}${hint}`);
  return Object.assign(error, { code: 'usage-argument' as const });
}

/** Throws a `TypeError` unless `value` is an object (`wanted` as text). */
export function requireRecord(place: string, wanted: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw argumentError(place, wanted, value);
}

/** Throws a `TypeError` unless `value` is a list. */
export function requireList(
  place: string,
  wanted: string,
  value: unknown,
): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw argumentError(place, wanted, value);
}

/** Throws a `TypeError` unless `value` is a string. */
export function requireText(place: string, wanted: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw argumentError(place, wanted, value);
}

/** Throws a `TypeError` unless options are left out or an object. */
export function requireOptions(place: string, value: unknown): void {
  if (value !== undefined) requireRecord(place, 'an object of options', value);
}

/** Bytes of this or another realm: a Buffer is one, an ArrayBuffer is not. */
export function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const { name } = value.constructor ?? {};
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object without that shape';
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

/** What to do about the usual mistakes. */
function hintFor(wanted: string, value: unknown): string {
  if (value instanceof Promise) return ' (await it)';
  if (!wanted.includes('bytes') && !wanted.includes('Uint8Array')) return '';
  if (typeof value === 'string') return ' (read the file first)';
  if (isBytes(value)) return ' (add its name: { name, bytes })';
  if (value instanceof ArrayBuffer) return ' (wrap it: new Uint8Array(buffer))';
  return '';
}
