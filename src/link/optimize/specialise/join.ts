/** Where paths meet: registers have a value that all paths agree on, and what is known is what all of them know. */

import { elementAt } from '../../../bytes/index.ts';
import { meet } from './knowledge.ts';
import type { State } from './state.ts';
import { NO_VALUE, type Value, type Values } from './values.ts';

/** The state where the paths with these states meet. The states are not used afterwards. */
export function join(states: readonly State[], values: Values): State {
  const joined = elementAt(states, 0);
  for (let i = 1; i < states.length; i++) {
    const other = elementAt(states, i);
    joinRegisters(joined, other, values);
    joinKnowledge(joined, other);
    joinVersions(joined, other, values);
  }
  return joined;
}

function joinRegisters({ registers }: State, other: State, values: Values): void {
  const met = new Map<number, Value>();
  for (let register = 0; register < registers.length; register++) {
    const left = registers[register];
    const right = other.registers[register];
    if (left === right || left === undefined || right === undefined) continue;
    const value = joinValues(left, right, met, values);
    registers[register] = value;
    values.addHome(value, register);
  }
}

/** Pointers of one kind give a pointer of this kind, the same one in all registers that have these two. */
function joinValues(left: Value, right: Value, met: Map<number, Value>, values: Values): Value {
  if (left === NO_VALUE || right === NO_VALUE) return NO_VALUE;
  const { kind, isBounded } = values.traits(left);
  const other = values.traits(right);
  if (kind === 'unknown' || kind !== other.kind) return NO_VALUE;
  const key = values.pair(left, right);
  const known = met.get(key);
  if (known !== undefined) return known;
  const value = values.fresh({ kind, isBounded: isBounded && other.isBounded });
  met.set(key, value);
  return value;
}

function joinKnowledge({ known }: State, other: State): void {
  while (known.length < other.known.length) known.push(undefined);
  for (let subject = 0; subject < known.length; subject++) {
    const left = known[subject];
    const right = other.known[subject];
    if (left !== right) known[subject] = meet(left, right);
  }
}

function joinVersions(state: State, other: State, values: Values): void {
  if (state.pointers !== other.pointers) state.pointers = values.version();
  if (state.fields !== other.fields) state.fields = values.version();
  if (state.packet !== other.packet) state.packet = values.version();
  if (state.arithmetic !== other.arithmetic) state.arithmetic = values.version();
}
