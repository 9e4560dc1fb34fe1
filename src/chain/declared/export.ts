/** What runs, as documents that declare it: applying them changes nothing. */

import { Document, isMap, isSeq, visit } from 'yaml';
import { given } from '../../bytes/index.ts';
import { printable, printableYaml, quote } from '../../diag/index.ts';
import { type Verdict, verdictWord } from '../../object/index.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/index.ts';
import {
  type ChainDesign,
  type ChainKind,
  type ChainState,
  type DesignMember,
  hasCounters,
} from '../model/index.ts';

/** A document, and what it cannot declare. */
export interface ExportedChain {
  /** YAML, with the line `---`. */
  readonly text: string;
  /** The same as data. */
  readonly document: Readonly<Record<string, unknown>>;
  /** One sentence each. */
  readonly notes: readonly string[];
}

/** `pathOf` names the object file of a member that has one. */
export function exportChain(
  state: ChainState,
  design: ChainDesign,
  pathOf: (member: DesignMember) => string,
): ExportedChain {
  const { hook, mode, via } = state;
  const { members, failClosed } = design;
  const [guests, own] = [members.filter(isGuest), members.filter(member => !isGuest(member))];
  const document = {
    hook: hook.direction === null ? hook.kind : `${hook.kind} ${hook.direction}`,
    interface: hook.interface,
    ...(mode === null ? {} : { mode }),
    ...(via === null ? {} : { via }),
    ...(failClosed ? { failClosed } : {}),
    ...given({ counters: hasCounters(design) ? undefined : false }),
    ...optimizeDocument(design.optimize),
    members: own.map(member => memberDocument(hook.kind, member, pathOf(member))),
  };
  const notes = guests.map(
    ({ name }) =>
      `member ${quote(name)} of ${document.hook} on ${printable(hook.interface)} was loaded by another tool and has no file: ` +
      'it cannot be declared, and applying the document removes it',
  );
  return { text: textOf(document, notes), document, notes };
}

/** What differs from the defaults. */
function optimizeDocument(setting: ChainDesign['optimize']): Record<string, unknown> {
  if (setting === undefined) return {};
  const { level, noInline = [], verifyBudget } = setting;
  return {
    ...(level === 0 ? { optimize: 0 } : {}),
    ...(noInline.length === 0 ? {} : { noInline }),
    ...(verifyBudget === true ? { verifyBudget } : {}),
  };
}

function isGuest({ file }: DesignMember): boolean {
  return file === null;
}

/** Defaults of the file are left out, so that they stay defaults. */
function memberDocument(kind: ChainKind, member: DesignMember, file: string): Record<string, unknown> {
  const { name, program, priority, continueOn, given, settings } = member;
  return {
    file,
    name,
    program,
    ...(given.priority ? { priority } : {}),
    ...(given.continueOn ? { on: continueOn.map(verdict => verdictOf(kind, verdict)) } : {}),
    ...(settings.globals.size === 0 ? {} : { set: Object.fromEntries(settings.globals) }),
    ...(settings.maxEntries.size === 0 ? {} : { maxEntries: Object.fromEntries(settings.maxEntries) }),
  };
}

/** A verdict without a word is its number. */
function verdictOf(kind: ChainKind, verdict: Verdict): string | number {
  const word = verdictWord(kind === 'xdp' ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS, verdict);
  return word === String(verdict) && typeof verdict === 'number' ? verdict : word;
}

function textOf(document: Readonly<Record<string, unknown>>, notes: readonly string[]): string {
  const yaml = new Document(plain(document), { aliasDuplicateObjects: false });
  const members = yaml.get('members');
  if (isSeq(members))
    for (const member of members.items) {
      const on = isMap(member) ? member.get('on') : undefined;
      if (isSeq(on)) on.flow = true;
    }
  if (notes.length > 0) yaml.commentBefore = notes.map(note => ` ${note}`).join('\n');
  quoteHidden(yaml);
  return printableYaml(`---\n${yaml.toString({ lineWidth: 0 })}`);
}

/** Only in double quotes there are escapes for what terminals obey or hide. */
function quoteHidden(yaml: Document): void {
  visit(yaml, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && printable(node.value) !== node.value) node.type = 'QUOTE_DOUBLE';
    },
  });
}

/** Bytes are a list of numbers. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}
