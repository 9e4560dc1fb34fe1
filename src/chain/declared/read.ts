/**
 * Files of declared chains as data: one chain for each hook, checked as far as that needs neither objects nor a
 * kernel. All problems of all files are reported at once.
 */

import { dirname, isAbsolute, join } from 'node:path';
import { given, type InputFile } from '../../bytes/index.ts';
import { type Limits, type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import type { XdpMode } from '../../kernel/index.ts';
import type { OptimizeSetting } from '../../load/index.ts';
import { componentName, type Settings } from '../../state/index.ts';
import type { ChainBackEnd, ChainKind } from '../model/index.ts';
import {
  DOCUMENT,
  type HookWord,
  type HostSelector,
  type MemberDocument,
  type TcDocument,
  type XdpDocument,
} from './format.ts';
import { type Place, parseYaml, placeText, type YamlNode } from './yaml.ts';

/** A member as a document declares it. */
export interface DeclaredMember {
  /** As given, or after the file. Unique in the chain. */
  readonly name: string;
  /** As written. */
  readonly file: string;
  /** The file from the working directory: a relative path in a document starts at the document. */
  readonly path: string;
  readonly program?: string;
  readonly priority?: number;
  /** Words or numbers of verdicts. */
  readonly continueOn?: readonly string[];
  /** All of them: a setting that is not declared is not in force. */
  readonly settings: Settings;
  /** Where its file is named, for problems of the file: place, path in the document. */
  readonly where: readonly string[];
}

/** The chain of one hook as a document declares it. */
export interface DeclaredChain {
  readonly kind: ChainKind;
  /** Null for XDP. */
  readonly direction: 'ingress' | 'egress' | null;
  readonly interface: string;
  /** As in messages: `xdp on eth0`. */
  readonly title: string;
  readonly mode?: XdpMode;
  readonly via?: ChainBackEnd;
  readonly failClosed: boolean;
  /** Members are built with counters. */
  readonly counters: boolean;
  /** How its programs are optimized, where the document states it. */
  readonly optimize?: OptimizeSetting;
  readonly members: readonly DeclaredMember[];
  /** Of a fleet: hosts that have it. Without it, all of them. */
  readonly hosts?: HostSelector;
  /** Where its interface is named, for problems of the interface. */
  readonly where: readonly string[];
}

/** For whom documents are read. */
export interface DeclaredFor {
  /** They are about hosts of a fleet, which have labels: several documents may be about one hook. */
  readonly hosts: boolean;
}

/** All chains of files, in the order of the documents. Throws the problems of all files. */
export function readDeclared(
  files: readonly InputFile[],
  limits?: Limits,
  { hosts }: DeclaredFor = { hosts: false },
): readonly DeclaredChain[] {
  const problems: Problem[] = [];
  const chains = files.flatMap(file => chainsOf(file, problems, limits));
  if (!hosts) {
    problems.push(...chains.flatMap(ofFleet));
    problems.push(...repeated(chains, ({ title }) => title, 'a second document of'));
  }
  if (problems.length > 0) throw new RootletError(problems);
  return chains;
}

/** A selector would have no effect on one host, which might run what is meant for others. */
function ofFleet({ hosts, where: [place = ''] }: DeclaredChain): Problem[] {
  if (hosts === undefined) return [];
  return [
    problem(
      'chain-document-key',
      [place, 'hosts'],
      'selects hosts of a fleet, and has no meaning for one host',
      {
        subject: 'hosts',
        hint: 'leave the key out, or write the document with "rootlet fleet put"',
      },
    ),
  ];
}

function chainsOf(file: InputFile, problems: Problem[], limits: Limits | undefined): DeclaredChain[] {
  const parsed = parseYaml(file, limits);
  problems.push(...parsed.problems);
  if (parsed.documents.length === 0 && parsed.problems.length === 0)
    problems.push(
      problem('chain-document-empty', [file.name], 'has no document', {
        hint: 'to remove the chain of a hook, declare it with "members: []"',
      }),
    );
  return parsed.documents.flatMap(node => chainOf(file.name, node, problems) ?? []);
}

const MODES = {
  native: 'native',
  generic: 'generic',
  offload: 'offload',
  skb: 'generic',
  hw: 'offload',
} as const;

function chainOf(file: string, node: YamlNode, problems: Problem[]): DeclaredChain | undefined {
  const found: Problem[] = [];
  const read = DOCUMENT.read(node, { path: '', problems: found });
  problems.push(...found);
  if (read === undefined) return undefined;
  const members = read.members.map(one => memberOf(file, one));
  problems.push(...repeated(members, ({ name }) => name, 'a second member'));
  const { via, failClosed = false, counters = true } = read;
  const mode = 'mode' in read && read.mode !== undefined ? MODES[read.mode] : undefined;
  const where = [placeText(placeOf(read, 'interface')), 'interface'];
  const policy = {
    ...given({ mode, via, optimize: optimizeIn(read), hosts: read.hosts }),
    failClosed,
    counters,
  };
  return { ...hookOf(read.hook, read.interface), where, ...policy, members };
}

/** Undefined where the document says nothing of it. */
function optimizeIn({
  optimize,
  noInline,
  verifyBudget,
}: XdpDocument | TcDocument): OptimizeSetting | undefined {
  if ([optimize, noInline, verifyBudget].every(one => one === undefined)) return undefined;
  return { level: optimize === 0 ? 0 : 1, ...given({ noInline, verifyBudget }) };
}

function hookOf(
  hook: HookWord,
  name: string,
): Pick<DeclaredChain, 'kind' | 'direction' | 'interface' | 'title'> {
  const title = `${hook} on ${name}`;
  if (hook === 'xdp') return { kind: 'xdp', direction: null, interface: name, title };
  return { kind: 'tc', direction: hook === 'tc ingress' ? 'ingress' : 'egress', interface: name, title };
}

function memberOf(document: string, read: MemberDocument): DeclaredMember {
  const { file, name, program, priority, on: continueOn, set, maxEntries, path } = read;
  return {
    name: name ?? componentName(file),
    file,
    path: isAbsolute(file) ? file : join(document === '<stdin>' ? '.' : dirname(document), file),
    ...given({ program, priority, continueOn }),
    settings: { globals: set ?? new Map(), maxEntries: maxEntries ?? new Map() },
    where: [placeText(placeOf(read, name === undefined ? 'file' : 'name')), path],
  };
}

function placeOf(read: XdpDocument | TcDocument | MemberDocument, key: string): Place {
  return read.places.get(key) ?? read.place;
}

/** What has the name of an earlier one. */
function repeated<T extends { readonly where: readonly string[] }>(
  all: readonly T[],
  nameOf: (one: T) => string,
  what: string,
): Problem[] {
  const seen = new Map<string, T>();
  return all.flatMap(one => {
    const name = nameOf(one);
    const first = seen.get(name);
    if (first === undefined) seen.set(name, one);
    if (first === undefined) return [];
    const message = `${what} ${quote(name)}`;
    const details = [`the first one is at ${first.where.join(': ')}`];
    return [problem('chain-document-duplicate', one.where, message, { subject: name, details })];
  });
}
