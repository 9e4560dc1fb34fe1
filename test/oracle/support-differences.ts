/**
 * Where rootlet's results may differ from those of bpftool 7.1, and why. Every other difference is an error,
 * of rootlet until shown otherwise.
 *
 * What does not show as a difference at all, because dumps leave it out: the order of sections and symbols, ids of
 * types, the number after static functions of one name (`helper__2`; libbpf leaves both as `helper`, which loaders
 * that know functions by name cannot take), whether a call inside a section has a relocation, local labels (libbpf
 * copies them), and the numbers of types in instructions (libbpf leaves the old ones; we write those that hold in the
 * result).
 */

import { type BpfObject, type BpfSymbol, sectionOf, sizeOfSymbol } from '../../src/object/model/model.ts';
import type { DumpedLink } from './support-both.ts';
import type { Difference, ObjectDump } from './support-dump.ts';

/** A comparison: peer on the left, rootlet on the right. */
export interface Comparison {
  readonly link: DumpedLink;
  readonly left: ObjectDump;
  readonly right: ObjectDump;
}

export interface AllowedDifference {
  readonly name: string;
  readonly reason: string;
  /** Which inputs need it at least: a rule that is no longer needed must be removed. */
  readonly seenIn: 'cases' | 'random';
  readonly allows: (difference: Difference, comparison: Comparison) => boolean;
}

export const ALLOWED: readonly AllowedDifference[] = [
  {
    name: 'code of overridden functions',
    seenIn: 'random',
    reason: 'libbpf leaves the code of a weak function that lost as a hole; here nothing is left of it',
    allows: ({ subject, fact, left, right }, { link }) => {
      const section = subjectOf(subject, 'section ');
      if (section === undefined || fact !== 'size') return false;
      const lost = losersIn(link, section).filter(symbol => symbol.kind === 'function');
      return lost.length > 0 && Number(left) - Number(right) === total(lost);
    },
  },
  {
    name: 'data of overridden variables',
    seenIn: 'random',
    reason: 'libbpf leaves the bytes of a weak variable that lost where they were',
    allows: (difference, comparison) =>
      isShorter(difference, comparison) || isUnusedRest(difference, comparison),
  },
  {
    name: 'merged strings',
    seenIn: 'random',
    reason: 'equal string literals are kept once; libbpf appends the sections',
    allows: ({ subject, fact, left, right }, { left: peer }) => {
      const section = subjectOf(subject, 'section ');
      const strings = (Number(peer.sections.get(section ?? '')?.get('flags') ?? 0) & 0x20) !== 0;
      return strings && fact === 'size' && Number(right) < Number(left);
    },
  },
  {
    name: 'padding between inputs',
    seenIn: 'random',
    reason: 'libbpf aligns each input to the largest alignment so far, not to its own',
    allows: ({ subject, fact, left, right }, { link, left: peer }) => {
      const section = subjectOf(subject, 'section ');
      if (section === undefined || fact !== 'size') return false;
      const align = Number(peer.sections.get(section)?.get('alignment') ?? 1);
      const gap = Number(left) - Number(right);
      return gap > 0 && gap < align * (link.inputs.length - 1);
    },
  },
  {
    name: 'static maps of one name',
    seenIn: 'cases',
    reason: 'the second gets a number, since loaders that keep maps by name take one of each only',
    allows: ({ subject, fact, left, right }) =>
      subjectOf(subject, 'types of ') === '.maps' &&
      fact === 'variables' &&
      right !== left &&
      (right ?? '').replace(/__\d+(?= )/g, '') === left,
  },
  {
    name: 'offsets of variables in BTF',
    seenIn: 'random',
    reason:
      'libbpf writes the offset of an extern or of the overridden weak definition for the variable that was chosen (fixed after 1.8 for externs); where sections are packed differently, offsets differ with them',
    allows: (difference, comparison) => {
      const section = subjectOf(difference.subject, 'types of ');
      if (section === undefined || difference.fact !== 'variables') return false;
      const [peer, ours] = [entriesOf(difference.left), entriesOf(difference.right)];
      if (!sameEntries(peer, ours)) return false;
      return (
        hasOtherSize(section, comparison) ||
        peer.every(
          (entry, index) => entry.offset === ours[index]?.offset || isShared(comparison.link, entry.name),
        )
      );
    },
  },
  {
    name: 'order of maps',
    reason: 'a map of maps comes after the maps that it holds, as libbpf wants it for loading',
    seenIn: 'cases',
    allows: ({ subject, fact, left, right }, { link }) =>
      subject === 'types of .maps' &&
      fact === 'variables' &&
      link.inputs.some(input =>
        input.symbols.some(symbol => symbol.kind === 'map' && symbol.references.length > 0),
      ) &&
      sameEntries(entriesOf(left), entriesOf(right)),
  },
  {
    name: 'constants of .rodata.cst16',
    seenIn: 'random',
    reason:
      'clang puts them there and lists them under .rodata, which no kernel accepts; here they are listed where they are',
    allows: ({ subject, fact, left }, { link }) => {
      if (!link.inputs.some(hasConstantSections)) return false;
      if (subject.startsWith('types of .rodata')) return true;
      return subject.startsWith('symbol .rodata.cst') && fact === 'type' && left === '/void';
    },
  },
  {
    name: 'declaration tags of losers',
    seenIn: 'cases',
    reason: 'libbpf gives the tags of a declaration or definition that lost to the one that won',
    allows: ({ subject, fact, left, right }, { link }) => {
      const [peer, ours] = [splitTags(left), splitTags(right)];
      const fewer = ours.tags.every(tag => peer.tags.includes(tag)) && ours.tags.length < peer.tags.length;
      const symbol = subjectOf(subject, 'symbol ');
      return fact === 'type' && peer.label === ours.label && fewer && isShared(link, symbol ?? '');
    },
  },
  {
    name: 'names of parameters',
    seenIn: 'cases',
    reason: 'libbpf writes the names of parameters of a definition into the prototype of its declaration',
    allows: ({ fact, left, right }) => {
      const names = /FUNC_PROTO \([^)]*\)$/;
      return fact === 'type' && names.test(left) && left.replace(names, '') === right.replace(names, '');
    },
  },
  {
    name: 'forward declarations',
    seenIn: 'random',
    reason:
      'a declared struct becomes the only struct of that name among the inputs; libbpf does so since 1.2, if it is reached from equal structs before',
    allows: ({ left, right }) => {
      const forward = /FWD (\w+) (struct|union)$/.exec(left);
      if (forward === null) return false;
      const full = `${forward[2]?.toUpperCase()} ${forward[1]} `;
      return right.startsWith(`${left.slice(0, forward.index)}${full}`);
    },
  },
  {
    name: 'kernel function that is defined',
    seenIn: 'cases',
    reason: 'libbpf leaves a function listed in .ksyms although one of the inputs defines it',
    allows: ({ subject, fact, right }) =>
      subject === 'types of .ksyms' && fact === 'presence' && right === '(absent)',
  },
];

// --- what rules look at -------------------------------------------------------------------------------------------

function subjectOf(subject: string, prefix: string): string | undefined {
  return subject.startsWith(prefix) ? subject.slice(prefix.length) : undefined;
}

function sectionNameOf(object: BpfObject, symbol: BpfSymbol): string {
  return sectionOf(object, symbol)?.name ?? '';
}

function losersIn(link: DumpedLink, section: string): BpfSymbol[] {
  const names = new Set(link.report.discarded.map(({ name, file }) => `${file}:${name}`));
  return link.inputs.flatMap(object =>
    object.symbols.filter(
      symbol => names.has(`${object.name}:${symbol.name}`) && sectionNameOf(object, symbol) === section,
    ),
  );
}

function total(symbols: readonly BpfSymbol[]): number {
  return symbols.reduce((sum, symbol) => sum + sizeOfSymbol(symbol), 0);
}

function isShorter({ subject, fact, left, right }: Difference, { link }: Comparison): boolean {
  const section = subjectOf(subject, 'section ');
  if (section === undefined || fact !== 'size') return false;
  const lost = losersIn(link, section).filter(symbol => symbol.kind === 'variable');
  const gap = Number(left) - Number(right);
  return lost.length > 0 && gap > 0 && gap <= total(lost) + 16 * (lost.length + link.inputs.length);
}

/** Bytes without a name, in a section where a variable lost, that nothing refers to. */
function isUnusedRest({ subject, fact, left }: Difference, { link, left: peer }: Comparison): boolean {
  const key = subjectOf(subject, 'symbol ') ?? '';
  const [section = '', contents] = key.split(':=');
  if (contents === undefined || fact !== 'presence' || left !== 'there') return false;
  const used = [...peer.symbols.values()].some(symbol => symbol.facts.get('references')?.includes(key));
  return !used && losersIn(link, section).length > 0;
}

function hasOtherSize(section: string, { left, right }: Comparison): boolean {
  return left.sections.get(section)?.get('size') !== right.sections.get(section)?.get('size');
}

/** More than one input knows the name: as a definition that lost, or as an extern. */
function isShared(link: DumpedLink, name: string): boolean {
  const known = link.inputs.flatMap(object =>
    object.symbols.filter(symbol => symbol.name === name && symbol.binding !== 'local'),
  );
  return known.length > 1;
}

function hasConstantSections(object: BpfObject): boolean {
  return object.sections.some(section => section.name.startsWith('.rodata.cst'));
}

interface Entry {
  readonly name: string;
  readonly offset: string;
  readonly size: string;
}

function entriesOf(text: string): Entry[] {
  return text.split('; ').map(entry => {
    const [name = '', offset = '', size = ''] = entry.split(' ');
    return { name, offset, size };
  });
}

function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  const names = (entries: readonly Entry[]) => entries.map(({ name, size }) => `${name} ${size}`).sort();
  return names(a).join() === names(b).join();
}

function splitTags(label: string): { readonly label: string; readonly tags: readonly string[] } {
  const match = /^(.*?)(?: \[(.*)\])?$/.exec(label);
  return { label: match?.[1] ?? '', tags: match?.[2]?.split(', ') ?? [] };
}
