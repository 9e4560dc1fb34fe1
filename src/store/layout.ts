/**
 * What an entry consists of on the bpf file system, and nothing else that is found there.
 *
 *     NAME/current -> 3                                the generation that counts
 *         /components -> current/components            where the pins of components are, whichever generation
 * counts
 *         /next -> 4                                   while `current` is switched
 *         /3/record  link_…  prog_…  map_…
 *           /components/COMPONENT/maps/MAP
 *                                /previous/maps/MAP    of an outgoing version of the component
 *
 * A path through `components` depends on the component alone. It follows `current`, so that it changes in the
 * same step. Only what is in this picture is ever removed; the rest is reported (`store-unknown`).
 */

import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { type Problem, platformError, quote, type RootletError, shellWord } from '../diag/index.ts';
import { type Fd, openPinned, type Sys } from '../kernel/index.ts';
import { type Directory, untrustedProblem } from './directory.ts';
import { COMPONENTS, isFileKey, isPinName, MAPS, PREVIOUS } from './names.ts';

export const CURRENT = 'current';
export const NEXT = 'next';
export const RECORD = 'record';
/** Target of `components` in an entry. */
export const COMPONENTS_TARGET = `${CURRENT}/${COMPONENTS}`;

const LINKS: ReadonlySet<string> = new Set([CURRENT, NEXT, COMPONENTS]);

/** One level of directories: which files the store pins there, and which directories it makes. */
interface Level {
  readonly isPin: (name: string) => boolean;
  readonly below: (name: string) => Level | undefined;
}

const MAP_LEVEL: Level = { isPin: isFileKey, below: () => undefined };
const PREVIOUS_LEVEL: Level = {
  isPin: () => false,
  below: name => (name === MAPS ? MAP_LEVEL : undefined),
};
const COMPONENT_LEVEL: Level = {
  isPin: () => false,
  below: name => (name === PREVIOUS ? PREVIOUS_LEVEL : PREVIOUS_LEVEL.below(name)),
};
const COMPONENTS_LEVEL: Level = {
  isPin: () => false,
  below: name => (isFileKey(name) ? COMPONENT_LEVEL : undefined),
};
const GENERATION_LEVEL: Level = {
  isPin: name => name === RECORD || isPinName(name),
  below: name => (name === COMPONENTS ? COMPONENTS_LEVEL : undefined),
};

/** Number of a generation; 0 for names that are not one. */
export function generationOf(name: string): number {
  const number = Number(name);
  return Number.isSafeInteger(number) && number > 0 && String(number) === name ? number : 0;
}

/** What is in the directory of an entry. */
export interface EntryLayout {
  /** Generation that counts; 0 when there is none. */
  readonly current: number;
  /** All of them, ascending. */
  readonly generations: readonly number[];
  /** Links of the store that exist. */
  readonly links: ReadonlySet<string>;
  /** Whether the generation that counts has pins of components. */
  readonly hasComponents: boolean;
  /** Paths of what the store did not make. */
  readonly unknown: readonly string[];
  /**
   * `store-untrusted`: links that do not lead where the store's do. Nothing in such an entry is removed
   * unasked.
   */
  readonly untrusted: readonly Problem[];
}

interface Findings {
  readonly unknown: string[];
  readonly untrusted: Problem[];
}

/**
 * Looks at an entry. Throws `store-untrusted` for directories that other users can change, and links in their
 * place.
 */
export function readLayout(entry: Directory): EntryLayout {
  const found: Findings = { unknown: [], untrusted: [] };
  const generations: number[] = [];
  const links = new Set<string>();
  for (const child of entry.entries()) {
    const { name } = child;
    if (generationOf(name) > 0) generations.push(generationOf(name));
    else if (LINKS.has(name) && child.isSymbolicLink()) links.add(name);
    else found.unknown.push(join(entry.path, name));
  }
  const withComponents = generations.filter(generation => surveyGeneration(entry, generation, found));
  const current = currentOf(entry, found);
  checkComponentsLink(entry, found);
  return {
    current,
    generations: generations.sort((a, b) => a - b),
    links,
    hasComponents: withComponents.includes(current),
    ...found,
  };
}

/** Whether it has pins of components. */
function surveyGeneration(entry: Directory, generation: number, found: Findings): boolean {
  using directory = entry.open(String(generation));
  if (directory === undefined) return false; // another process removed it meanwhile
  survey(directory, GENERATION_LEVEL, found);
  return directory.names().includes(COMPONENTS);
}

/** As deep as the levels are. */
function survey(directory: Directory, level: Level, found: Findings): void {
  for (const child of directory.entries()) {
    const below = level.below(child.name);
    if (below !== undefined) {
      using inner = directory.open(child.name);
      if (inner !== undefined) survey(inner, below, found);
    } else {
      surveyFile(directory, child, level, found);
    }
  }
}

function surveyFile(directory: Directory, child: Dirent, level: Level, found: Findings): void {
  const path = join(directory.path, child.name);
  if (level.isPin(child.name) && child.isFile()) return;
  found.unknown.push(path);
  if (level.isPin(child.name)) found.untrusted.push(misplaced(path, 'pin'));
}

function currentOf(entry: Directory, found: Findings): number {
  const target = entry.link(CURRENT);
  if (target === undefined) {
    const path = join(entry.path, CURRENT);
    if (found.unknown.includes(path)) found.untrusted.push(misplaced(path, 'link'));
    return 0;
  }
  const current = generationOf(target);
  if (current === 0) found.untrusted.push(astray(entry, CURRENT, target));
  return current;
}

function checkComponentsLink(entry: Directory, found: Findings): void {
  const target = entry.link(COMPONENTS);
  if (target !== undefined && target !== COMPONENTS_TARGET)
    found.untrusted.push(astray(entry, COMPONENTS, target));
}

/** A link of the store that leads elsewhere: it goes with the entry. */
function astray(entry: Directory, name: string, target: string): Problem {
  const path = join(entry.path, name);
  return untrustedProblem(
    `${quote(path)} cannot be trusted: it leads to ${quote(target)}, out of its entry`,
    `inspect it with "ls -la ${shellWord(path)}"; "rootlet unload --force" or "rootlet detach --force" removes the entry without following links`,
  );
}

/** Something else in the place of a link or a pin: no command removes it. */
function misplaced(path: string, expected: string): Problem {
  return untrustedProblem(
    `${quote(path)} cannot be trusted: it is not a ${expected}`,
    `inspect it with "ls -la ${shellWord(path)}", and remove it with "rm ${shellWord(path)}"`,
  );
}

/** Makes the path to the pins of components that is the same in every generation. */
export function linkComponents(entry: Directory): void {
  if (entry.link(COMPONENTS) === undefined) entry.makeLink(COMPONENTS, COMPONENTS_TARGET);
}

/** For what is in the way, or stays behind: `store-unknown`. */
export function unknownError(path: string, unknown: readonly string[]): RootletError {
  return platformError(
    'store-unknown',
    [],
    `${quote(path)} contains something that the store did not create; it is kept`,
    {
      details: unknown,
      hint: 'move it elsewhere, or remove it with rm',
    },
  );
}

/**
 * Removes the pins of a generation and its directory; false when something else is in it. Descriptors of the
 * pins are kept until all are gone: attachments then end together, and after their programs have lost their
 * other names.
 */
export function removeGeneration(sys: Sys, entry: Directory, generation: number): boolean {
  const name = String(generation);
  const held: Fd[] = [];
  try {
    using directory = entry.open(name);
    if (directory !== undefined) removePins(sys, directory, GENERATION_LEVEL, held);
    return entry.removeDirectory(name);
  } finally {
    for (const fd of held) fd.close();
  }
}

/** Directories come first: to open them takes descriptors, which many pins may use up. */
function removePins(sys: Sys, directory: Directory, level: Level, held: Fd[]): void {
  const entries = directory.entries();
  for (const { name } of entries) {
    const below = level.below(name);
    if (below === undefined) continue;
    using inner = directory.open(name);
    // Maps of components have no effect when they go: none is held.
    if (inner !== undefined) removePins(sys, inner, below, held);
    directory.removeDirectory(name);
  }
  for (const child of entries) {
    if (!child.isFile() || !level.isPin(child.name)) continue;
    const fd = level === GENERATION_LEVEL ? openQuietly(sys, directory.at(child.name)) : undefined;
    if (fd !== undefined) held.push(fd);
    directory.removeFile(child.name);
  }
}

function openQuietly(sys: Sys, path: string): Fd | undefined {
  try {
    return openPinned(sys, path);
  } catch {
    return undefined; // removing it does not need it
  }
}
