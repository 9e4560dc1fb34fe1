/** What is wrong with a link that both linkers made: every difference that nothing allows, as text. */

import { readFileSync } from 'node:fs';
import type { Problem } from '../../src/diag/problem.ts';
import {
  type BpfObject,
  type BpfSymbol,
  programsOf,
  type SymbolIndex,
} from '../../src/object/model/index.ts';
import { checkWritten } from '../support/written-object.ts';
import type { BothLinks, DumpedLink } from './support-both.ts';
import { ALLOWED, type Comparison } from './support-differences.ts';
import { compareDumps, type Difference, tell } from './support-dump.ts';
import type { LoadResult } from './support-peer.ts';

export interface Verdict {
  readonly problems: readonly string[];
  /** Names of the allowances that were used. */
  readonly used: readonly string[];
}

/** Compares both results, and our reader with Debian's tools. */
export function judge(link: DumpedLink): Verdict {
  checkWritten(readFileSync(link.files.ours));
  const { byUs, byTools } = link;
  const used: string[] = [];
  const problems: string[] = [];
  for (const [reader, dumps] of [
    ['rootlet', byUs],
    ['tools', byTools],
  ] as const) {
    const comparison = { link, left: dumps.peer, right: dumps.ours };
    for (const difference of compareDumps(dumps.peer, dumps.ours)) {
      const rule = ruleFor(difference, comparison);
      if (rule === undefined) problems.push(`read by ${reader}: ${tell(difference)}`);
      else used.push(rule);
    }
  }
  problems.push(
    ...compareDumps(byUs.ours, byTools.ours).map(difference => `our result read: ${tell(difference)}`),
  );
  problems.push(...readerDifferences(link).map(difference => `bpftool's result read: ${tell(difference)}`));
  return { problems, used };
}

function ruleFor(difference: Difference, comparison: Comparison): string | undefined {
  return ALLOWED.find(rule => rule.allows(difference, comparison))?.name;
}

/** Our reader leaves out the holes of overridden functions, and does not guess which of several VARs is meant. */
function readerDifferences({ byUs, byTools }: DumpedLink): Difference[] {
  return compareDumps(byUs.peer, byTools.peer).filter(({ subject, fact }) => {
    const section = subject.replace(/^section /, '');
    const code = (Number(byUs.peer.sections.get(section)?.get('flags') ?? 0) & 4) !== 0;
    return !(code && fact === 'size');
  });
}

// --- links that only one of both makes ----------------------------------------------------------------------------

interface Refusal {
  readonly reason: string;
  readonly explains: (message: string, inputs: readonly BpfObject[]) => boolean;
}

/** What bpftool 7.1 refuses and we link. */
export const PEER_REFUSALS: readonly Refusal[] = [
  {
    reason: 'an extern declaration made a weak definition strong, so that the strong one comes second',
    explains: (message, inputs) => {
      const name = /conflicting non-weak symbol #\d+ \((\w+)\)/.exec(message)?.[1];
      const symbols = inputs.flatMap(input => input.symbols.filter(symbol => symbol.name === name));
      const strong = symbols.filter(({ kind, binding }) => kind !== 'extern' && binding === 'global');
      const weak = symbols.filter(({ kind, binding }) => kind !== 'extern' && binding === 'weak');
      const externs = symbols.filter(({ kind, binding }) => kind === 'extern' && binding === 'global');
      return strong.length === 1 && weak.length > 0 && externs.length > 0;
    },
  },
  {
    reason: 'tentative definitions have no BTF',
    explains: (message, inputs) => {
      const name = /failed to find BTF info for global\/extern symbol '(\w+)'/.exec(message)?.[1];
      return inputs.some(input =>
        input.symbols.some(symbol => symbol.name === name && symbol.kind === 'variable' && symbol.common),
      );
    },
  },
  {
    reason: 'pointers to static variables in data',
    explains: message => message.includes('relocation against STT_SECTION in non-exec section'),
  },
  {
    reason: 'a kernel function that two files declare has no size',
    explains: (message, inputs) => {
      const name = /global '(\w+)': failed to resolve size of underlying type/.exec(message)?.[1];
      const declared = inputs.filter(input =>
        input.symbols.some(
          symbol => symbol.name === name && symbol.kind === 'extern' && symbol.section === '.ksyms',
        ),
      );
      return declared.length > 1;
    },
  },
  {
    reason: 'licenses with other bytes, of which the kernel knows all as compatible with the GPL',
    explains: message => message.includes("non-identical contents of section 'license'"),
  },
  {
    reason: 'a definition meets a kernel function of its name',
    explains: (message, inputs) =>
      message.includes('section mismatch') &&
      inputs.some(input =>
        input.symbols.some(symbol => symbol.kind === 'extern' && symbol.section === '.ksyms'),
      ),
  },
  {
    reason: 'no BTF describes an alias of a function, variable or map, or an extern of assembly',
    explains: (message, inputs) => {
      const name = /failed to find BTF info for global\/extern symbol '(\w+)'/.exec(message)?.[1];
      const isLeftOut = inputs.some(({ notes = [] }) => notes.some(note => note.includes(`"${name}"`)));
      return (
        isLeftOut ||
        inputs.some(({ symbols }) =>
          symbols.some(
            symbol =>
              symbol.name === name &&
              (symbol.kind === 'extern' ? symbol.btfId === 0 : symbols.some(other => isSecondName(other))),
          ),
        )
      );
    },
  },
  {
    reason: 'a weak variable and the one that overrides it are in different sections',
    explains: (message, inputs) => {
      const name = /global '(\w+)': section mismatch/.exec(message)?.[1];
      const sections = inputs.flatMap(input =>
        input.symbols.flatMap(symbol =>
          symbol.name === name && symbol.kind === 'variable' ? [input.sections[symbol.section]?.name] : [],
        ),
      );
      return new Set(sections).size > 1;
    },
  },
  {
    reason: 'a weak variable is overridden in another section, which ends bpftool with a signal',
    explains: message => message === 'SIGSEGV' || message === 'SIGABRT',
  },
];

function isSecondName(symbol: BpfSymbol): boolean {
  return (symbol.kind === 'function' || symbol.kind === 'variable') && symbol.aliasOf !== undefined;
}

/** Undefined if both made the link or both refused it, else what is wrong with that. */
export function judgeAcceptance(both: BothLinks, inputs: readonly BpfObject[]): string | undefined {
  const { peer, ours } = both;
  if (peer.ok === ours.ok) return undefined;
  if (!ours.ok) return `only rootlet refuses: ${tellProblems(ours.problems)}`;
  if (PEER_REFUSALS.some(refusal => refusal.explains(peer.message, inputs))) return undefined;
  return `only bpftool refuses: ${peer.message}`;
}

export function tellProblems(problems: readonly Problem[]): string {
  return problems.map(problem => `${problem.code}: ${problem.message}`).join('\n');
}

// --- in the kernel ------------------------------------------------------------------------------------------------

/** Why the peer's result is not loaded, so only rootlet's is. */
const PEER_NOT_LOADED: readonly {
  readonly reason: string;
  readonly log: RegExp;
  readonly when: (link: DumpedLink) => boolean;
}[] = [
  {
    reason: 'clang lists constants of .rodata.cst16 under .rodata; neither libbpf nor the kernel takes that',
    log: /Error finalizing \.BTF|BTF loading error/,
    when: link =>
      link.inputs.some(input => input.sections.some(section => section.name.startsWith('.rodata.cst'))),
  },
];

/** Compares what libbpf and the kernel made of both results. */
export function judgeLoads(link: DumpedLink, peer: LoadResult, ours: LoadResult): string | undefined {
  if (ours.programs === null) {
    return peer.programs === null ? undefined : `only bpftool's result can be loaded: ${ours.log}`;
  }
  if (peer.programs === null) {
    const explained = PEER_NOT_LOADED.some(({ log, when }) => log.test(peer.log) && when(link));
    return explained ? undefined : `only our result can be loaded: ${peer.log}`;
  }
  const names = [...new Set([...peer.programs.keys(), ...ours.programs.keys()])].sort();
  const numbered = programsWithTypeIds(link.ours);
  const wrong = names.flatMap(name => {
    const [a, b] = [peer.programs?.get(name), ours.programs?.get(name)];
    // libbpf writes the numbers of local types into instructions when it loads, and numbers differ.
    const tags = a?.tag === b?.tag || numbered.has(name);
    if (a !== undefined && b !== undefined && tags && a.result === b.result) return [];
    return [`${name}: tag ${a?.tag}, result ${a?.result} / tag ${b?.tag}, result ${b?.result}`];
  });
  return wrong.length === 0 ? undefined : wrong.join('\n');
}

/** enum bpf_core_relo_kind: BPF_CORE_TYPE_ID_LOCAL. */
const TYPE_ID_LOCAL = 6;

/** Names of programs that have, or call something that has, the number of a type in an instruction. */
function programsWithTypeIds(object: BpfObject): Set<string> {
  const names = programsOf(object).flatMap(({ index, program }) => {
    const seen = new Set<SymbolIndex>([index]);
    for (const at of seen) {
      const symbol = object.symbols[at];
      if (symbol?.kind === 'function') for (const reference of symbol.references) seen.add(reference.symbol);
    }
    const numbered = [...seen].some(at => {
      const symbol = object.symbols[at];
      return symbol?.kind === 'function' && symbol.coreRecords.some(record => record.kind === TYPE_ID_LOCAL);
    });
    return numbered ? [program.name] : [];
  });
  return new Set(names);
}
