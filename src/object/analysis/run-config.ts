/**
 * The run configuration that libxdp reads: the priority of an XDP program and the verdicts after which the
 * next program runs, in `.xdp_run_config`.
 *
 * `XDP_RUN_CONFIG(prog)` declares a variable `_prog` whose struct has a member for each setting; a value is
 * the length of an array that the member points to, so all of it is in BTF. Separate from needs, which only
 * keep the variable.
 *
 * Source: libxdp (xdp_program__parse_btf).
 */

import { type Btf, type BtfId, isModifier } from '../../btf/index.ts';
import { BPF_PROG_TYPE_XDP } from '../../uapi/index.ts';
import { type BpfObject, type FunctionSymbol, sectionOf, type VariableSymbol } from '../model/index.ts';
import { verdictOfWord } from '../programs/index.ts';
import { RUN_CONFIG_SECTION } from './needs.ts';

/** Priority of programs without one; lower ones run earlier. */
export const DEFAULT_PRIORITY = 50;

export interface RunConfig {
  readonly priority: number;
  /** Verdicts by number, and whether they continue; those that are not listed keep their default. */
  readonly verdicts: ReadonlyMap<number, boolean>;
  /** Members that are not a setting, by name. */
  readonly unknown: readonly string[];
}

/** The run configuration of a program; undefined when it has none. */
export function runConfigOf(object: BpfObject, program: FunctionSymbol): RunConfig | undefined {
  const variable = object.symbols.find(
    (symbol): symbol is VariableSymbol =>
      symbol.kind === 'variable' &&
      symbol.name === `_${program.name}` &&
      sectionOf(object, symbol)?.name === RUN_CONFIG_SECTION,
  );
  if (variable === undefined) return undefined;
  return object.btf === null || variable.btfId === 0
    ? { priority: DEFAULT_PRIORITY, verdicts: new Map(), unknown: [variable.name] }
    : configIn(object.btf, variable.btfId);
}

function configIn(btf: Btf, id: BtfId): RunConfig {
  const verdicts = new Map<number, boolean>();
  const unknown: string[] = [];
  let priority = DEFAULT_PRIORITY;
  for (const { name, type } of membersOf(btf, id)) {
    const value = lengthBehind(btf, type);
    const verdict = name.startsWith('XDP_') ? verdictOfWord(BPF_PROG_TYPE_XDP, name) : undefined;
    if (value === undefined) unknown.push(name);
    else if (name === 'priority') priority = value;
    else if (typeof verdict === 'number') verdicts.set(verdict, value !== 0);
    else unknown.push(name);
  }
  return { priority, verdicts, unknown };
}

function membersOf(btf: Btf, variable: BtfId): readonly { readonly name: string; readonly type: BtfId }[] {
  const declared = btf.type(variable);
  const type = declared.kind === 'var' ? resolved(btf, declared.type) : undefined;
  return type?.kind === 'struct' ? type.members : [];
}

/** The length of the array that a member points to: `__uint(NAME, LENGTH)`. */
function lengthBehind(btf: Btf, id: BtfId): number | undefined {
  const pointer = resolved(btf, id);
  const array = pointer?.kind === 'ptr' ? resolved(btf, pointer.type) : undefined;
  return array?.kind === 'array' ? array.length : undefined;
}

function resolved(btf: Btf, id: BtfId) {
  for (let current = id; current !== 0; ) {
    const type = btf.type(current);
    if (!isModifier(type)) return type;
    current = type.type;
  }
  return undefined;
}
