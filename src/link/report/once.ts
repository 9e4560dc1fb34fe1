/**
 * `make` called at most once, when its value is first requested: a report costs more than the link that it
 * describes.
 */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
