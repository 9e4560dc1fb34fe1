/**
 * Optional properties from values that may be undefined: `{ ...given({ hint }) }` has no `hint` when there is
 * none.
 *
 * Types of options mark what may be left out with `?`, which is not the same as a property that is undefined:
 * an undefined property would hide a default in `{ ...defaults, ...options }`.
 */

/** The properties of `T`; those that may be undefined may be missing instead. */
export type Given<T> = {
  [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key];
} & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/** The properties that are not undefined, in the same order. */
export function given<T extends object>(properties: T): Given<T> {
  // What is left has the type: only properties that are optional there were taken out.
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined),
  ) as Given<T>;
}
