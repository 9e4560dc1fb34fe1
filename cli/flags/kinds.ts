/** Kinds of flags that many commands have; each adds its own words. */

/** A switch that is off unless it is given. */
export const off = { kind: 'boolean', default: false } as const;

/** A text that may be left out. */
export const text = { kind: 'parsed', parse: String, optional: true } as const;
