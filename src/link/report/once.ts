/** `make` called at most once, when its value is first asked for: a report costs more than the link it tells about. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
