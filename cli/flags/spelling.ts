/** How options are written on a command line, given the names that the parser knows them by. */

/** `gcSections` is `gc-sections`; `Map` stays. */
export function kebab(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

/** `--gc-sections`. */
export function optionName(name: string): string {
  return `--${kebab(name)}`;
}
