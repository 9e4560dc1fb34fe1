/**
 * Jump tables of a program: entries as positions in the flattened program. The kernel gets each as a map of
 * instructions, which belongs to one program; so the tables are part of the program's plan, not of the
 * object's maps.
 */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import {
  type BpfObject,
  type CodeReference,
  JUMP_TABLE_ENTRY,
  jumpTableAt,
  type SymbolIndex,
  type VariableSymbol,
} from '../../object/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import type { PlacedFunction } from './flatten.ts';
import type { JumpTablePlan } from './plan.ts';

/** The tables of one program while it is planned. */
export class JumpTables {
  readonly plans: JumpTablePlan[] = [];
  readonly #object: BpfObject;
  readonly #functions: readonly PlacedFunction[];
  readonly #known = new Map<SymbolIndex, number>();

  constructor(object: BpfObject, functions: readonly PlacedFunction[]) {
    this.#object = object;
    this.#functions = functions;
  }

  /**
   * Number of the table that the instruction at `insnIndex` refers to, or what is wrong with it; undefined
   * when the reference is to something else.
   */
  add(insnIndex: number, { symbol, addend }: CodeReference): number | string | undefined {
    const table = jumpTableAt(this.#object, symbol);
    if (table === undefined) return undefined;
    if (addend < 0 || addend >= table.size || addend % JUMP_TABLE_ENTRY !== 0)
      return `refers to byte ${addend} of a jump table of ${table.size} bytes`;
    const known = this.#known.get(symbol);
    if (known !== undefined) return known;
    const targets = this.#targets(insnIndex, table);
    if (typeof targets === 'string') return targets;
    this.#known.set(symbol, this.plans.length);
    return this.plans.push({ targets }) - 1;
  }

  #targets(insnIndex: number, table: VariableSymbol): readonly number[] | string {
    const user = this.#functions.findLast(({ start }) => start <= insnIndex);
    const targets: number[] = [];
    for (const { kind, symbol, addend } of table.references) {
      if (kind !== 'code-offset' || user?.index !== symbol) {
        return `uses the jump table of ${quote(elementAt(this.#object.symbols, symbol).name)}`;
      }
      targets.push(user.start + addend / INSN_SIZE);
    }
    const missing = table.size / JUMP_TABLE_ENTRY - targets.length;
    return missing === 0 ? targets : `uses a jump table in which ${missing} entries have no target`;
  }
}
