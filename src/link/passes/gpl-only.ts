/**
 * Calls that the license of an object does not allow: GPL-only helpers, and kfuncs, all of which are GPL-only.
 *
 * Separate from the other limits, which are about single programs: one license covers all functions of an
 * object. A helper counts whose prototype is GPL-only for every program type that has it, on current kernels;
 * `bpf_ktime_get_ns` was GPL-only before Linux 5.8 and is not reported.
 *
 * Source: `gpl_only` in struct bpf_func_proto of each helper; check_helper_call() and add_kfunc_call() of
 * kernel/bpf/verifier.c.
 */

import { type Problem, problem, quote } from '../../diag/index.ts';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, CodeView, helperName, OP_CALL } from '../../isa/index.ts';
import { type BpfObject, type FunctionSymbol, licenseOf } from '../../object/index.ts';
import { sourceLine } from '../resolve/index.ts';
import { isGplCompatible } from './license.ts';

/** Numbers of helpers that only GPL-compatible programs may call. */
export const GPL_HELPERS: ReadonlySet<number> = new Set([
  4, 6, 22, 25, 27, 35, 36, 45, 55, 56, 58, 67, 69, 100, 110, 111, 112, 113, 114, 115, 119, 121, 126, 127,
  150, 158, 163, 165, 169, 170, 171, 172, 173, 175, 176, 177, 191, 204, 205, 206, 207,
]);

/** For each function the first call that the license does not allow. */
export function licenseProblems(object: BpfObject): Problem[] {
  const license = licenseOf(object) ?? '';
  if (isGplCompatible(license)) return [];
  return object.symbols.flatMap(symbol => {
    const call = symbol.kind === 'function' ? firstGplCall(object, symbol) : undefined;
    return symbol.kind === 'function' && call !== undefined
      ? [gplProblem(object, symbol, call, license)]
      : [];
  });
}

interface GplCall {
  readonly insnIndex: number;
  readonly callee: string;
}

function firstGplCall(object: BpfObject, symbol: FunctionSymbol): GplCall | undefined {
  const code = new CodeView(symbol.code, object.byteOrder);
  const kfuncs = kfuncCalls(object, symbol);
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    if (code.opcode(insnIndex) !== OP_CALL) continue;
    const kfunc = kfuncs.get(insnIndex);
    if (kfunc !== undefined) return { insnIndex, callee: kfunc };
    const isHelper = code.src(insnIndex) !== BPF_PSEUDO_CALL && code.src(insnIndex) !== BPF_PSEUDO_KFUNC_CALL;
    const helper = code.imm(insnIndex);
    if (isHelper && GPL_HELPERS.has(helper))
      return { insnIndex, callee: helperName(helper) ?? `helper ${helper}` };
  }
  return undefined;
}

/** Calls of kfuncs by instruction; a weak one may be in code that its absence makes dead. */
function kfuncCalls(object: BpfObject, { references }: FunctionSymbol): ReadonlyMap<number, string> {
  return new Map(
    references.flatMap(({ insnIndex, symbol }) => {
      const target = object.symbols[symbol];
      const isKfunc = target?.kind === 'extern' && target.section === '.ksyms' && target.binding !== 'weak';
      return isKfunc ? [[insnIndex, target.name] as const] : [];
    }),
  );
}

function gplProblem(
  object: BpfObject,
  symbol: FunctionSymbol,
  { insnIndex, callee }: GplCall,
  license: string,
): Problem {
  const line = sourceLine(symbol, insnIndex);
  const from =
    symbol.origin.file === object.name
      ? []
      : [`function ${quote(symbol.name)} is from ${symbol.origin.file}`];
  return problem(
    'relink-gpl-helper',
    [object.name, `function ${quote(symbol.name)}`, `insn ${insnIndex}`],
    `calls ${callee}, which is restricted to GPL-compatible programs; the license is ${quote(license)}`,
    {
      subject: symbol.name,
      details: [...from, ...(line === null ? [] : [line])],
      hint: 'the license of the result follows from its inputs; --license TEXT specifies another one',
    },
  );
}
