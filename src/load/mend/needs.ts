/**
 * What of a plan needs its types in the kernel: without them it would be refused, or would mean something else.
 * Everything else loads without.
 */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import { CodeView, helperId, OP_CALL } from '../../isa/index.ts';
import { exceptionCallbacks, kernelFieldOf } from '../../object/index.ts';
import { BPF_PROG_TYPE_EXT } from '../../uapi/index.ts';
import { functionPointerOf, type LoadPlan, type MapPlan, type ProgramPlan } from '../plan/index.ts';

/** Each thing that needs types, as words; empty when the plan loads without. */
export function typeNeeds(plan: LoadPlan): string[] {
  const found = [
    ...plan.maps.map(map => mapNeed(plan, map)),
    ...plan.programs.map(program => programNeed(plan, program)),
  ];
  return found.filter(need => need !== undefined);
}

function mapNeed(plan: LoadPlan, map: MapPlan): string | undefined {
  if (map.operations !== undefined) return `struct_ops map ${quote(map.name)}`;
  const { types } = plan;
  for (let level: MapPlan | null = map; level !== null && types !== null; level = level.inner) {
    const field = level.valueType === 0 ? undefined : kernelFieldOf(types, level.valueType);
    if (field !== undefined) return `map ${quote(map.name)} (${field})`;
  }
  return undefined;
}

interface ProgramRule {
  /** Why the program needs types; undefined when it does not. */
  readonly reason: (plan: LoadPlan, program: ProgramPlan) => string | undefined;
}

const PROGRAM_RULES: readonly ProgramRule[] = [
  { reason: (_, { type }) => (type.progType === BPF_PROG_TYPE_EXT ? 'replaces a function' : undefined) },
  { reason: exceptionCallback },
  {
    reason: (plan, program) => {
      const callback = functionPointerOf(program, plan);
      return callback === undefined ? undefined : `callback ${quote(callback)}`;
    },
  },
  { reason: tailCallInFunction },
];

function programNeed(plan: LoadPlan, program: ProgramPlan): string | undefined {
  for (const { reason } of PROGRAM_RULES) {
    const why = reason(plan, program);
    if (why !== undefined) return `program ${quote(program.name)} (${why})`;
  }
  return undefined;
}

/** Without types the kernel would call its own callback, which ends the program with 0. */
function exceptionCallback({ types }: LoadPlan, { functions }: ProgramPlan): string | undefined {
  const callbacks = exceptionCallbacks(types);
  const tagged = functions.find(({ btfId }) => callbacks.has(btfId));
  const name = tagged === undefined ? undefined : callbacks.get(tagged.btfId)?.[0];
  return name === undefined ? undefined : `exception callback ${quote(name)}`;
}

const TAIL_CALL = helperId('bpf_tail_call');
/** BPF_LD with mode ABS (1) or IND (2), of any size. */
const OP_LD_PACKET = [0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x58];

/** The kernel allows both in functions only if it knows that their result is an integer. */
function tailCallInFunction(plan: LoadPlan, program: ProgramPlan): string | undefined {
  const view = new CodeView(program.code, plan.byteOrder);
  const second = program.functions[1]?.insnIndex;
  if (second === undefined) return undefined;
  for (let at = second; at < view.length; at += view.width(at)) {
    const isTailCall = view.opcode(at) === OP_CALL && view.src(at) === 0 && view.imm(at) === TAIL_CALL;
    if (!isTailCall && !OP_LD_PACKET.includes(view.opcode(at))) continue;
    const holder = program.functions.findLastIndex(({ insnIndex }) => insnIndex <= at);
    const { name } = elementAt(program.functions, holder);
    return `${isTailCall ? 'tail call' : 'access to the packet'} in function ${quote(name)}`;
  }
  return undefined;
}
