/** Numbers as three digits with a unit. */

const UNITS = ['', 'k', 'M', 'G', 'T'];

/** Three digits with a unit: `1.23M`. */
export function scaled(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  const text = rest >= 100 || Number.isInteger(rest) ? rest.toFixed(0) : rest.toPrecision(3);
  return `${text}${UNITS[unit]}`;
}
