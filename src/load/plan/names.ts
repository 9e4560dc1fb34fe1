/** Names that the kernel accepts: 15 characters of `[A-Za-z0-9_.]`. */

const MAX_LENGTH = 15;

/** `name` as a kernel object's name; characters that are not allowed become `_`, the rest is cut off. */
export function kernelName(name: string): string {
  return [...name]
    .map(character => (isAllowed(character) ? character : '_'))
    .join('')
    .slice(0, MAX_LENGTH);
}

function isAllowed(character: string): boolean {
  return (
    (character >= 'a' && character <= 'z') ||
    (character >= 'A' && character <= 'Z') ||
    (character >= '0' && character <= '9') ||
    character === '_' ||
    character === '.'
  );
}

/** File name without directories and without everything from the first dot on, as libbpf names objects. */
export function objectBaseName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  const dot = file.indexOf('.');
  return dot < 0 ? file : file.slice(0, dot);
}

/**
 * Kernel name of the map of a data section. Mirrors libbpf: up to 8 characters of the object's name and the
 * section's (`firewall.rodata`); a section with a second dot (`.data.foo`) is unique enough and is alone.
 */
export function dataMapName(objectName: string, section: string): string {
  const suffixLength = Math.min(Math.max(7, section.length), MAX_LENGTH);
  const prefix = section.indexOf('.', 1) >= 0 ? '' : objectName.slice(0, MAX_LENGTH - suffixLength);
  return kernelName(prefix + section.slice(0, suffixLength));
}
