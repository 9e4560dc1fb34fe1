/**
 * Properties that are made when somebody asks for them first: for data that is read from columns, of which most
 * users need a part.
 */

/** Functions that make the properties of `T`. */
export type Makers<T> = { readonly [Name in keyof T]: () => T[Name] };

/**
 * Adds properties to `plain`, in the order of `makers`. They are enumerable, so `{ ...result }` makes all of
 * them; each one is made once and then is an ordinary readonly property.
 */
export function withLazy<Plain extends object, Lazy extends object>(
  plain: Plain,
  makers: Makers<Lazy>,
): Plain & Lazy {
  for (const name of Object.keys(makers) as (keyof Lazy)[]) addLazy(plain, name, makers[name]);
  return plain as Plain & Lazy; // all properties of Lazy were added
}

function addLazy(target: object, name: PropertyKey, make: () => unknown): void {
  const get = (): unknown => {
    const value = make();
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: false });
    return value;
  };
  Object.defineProperty(target, name, { get, enumerable: true, configurable: true });
}
