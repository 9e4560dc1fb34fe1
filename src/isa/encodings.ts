/**
 * Which values the fields of each instruction may have: RFC 9669 as the kernel applies it.
 *
 * One table for all that judge instructions: the machine refuses what the kernel refuses, and the
 * disassembler gives no text to an encoding that is none. Values that only a verifier can judge, such as a
 * division by the constant 0, are not in it.
 */

import * as isa from './opcodes.ts';

/** What a field may hold: a register or number of the instruction, or one of these values. */
export type FieldRule = 'used' | readonly number[];

export interface Encoding {
  readonly dst: FieldRule;
  readonly src: FieldRule;
  readonly offset: FieldRule;
  readonly imm: FieldRule;
}

export type Field = keyof Encoding;

export interface FieldProblem {
  readonly field: Field;
  readonly value: number;
  readonly allowed: readonly number[];
}

const FIELDS: readonly Field[] = ['dst', 'src', 'offset', 'imm'];
const ZERO: FieldRule = [0];
const UNUSED: Encoding = { dst: ZERO, src: ZERO, offset: ZERO, imm: ZERO };

const SIZES = [isa.BPF_W, isa.BPF_H, isa.BPF_B, isa.BPF_DW];
const ALU_OPERATIONS = [
  isa.BPF_ADD,
  isa.BPF_SUB,
  isa.BPF_MUL,
  isa.BPF_OR,
  isa.BPF_AND,
  isa.BPF_LSH,
  isa.BPF_RSH,
  isa.BPF_XOR,
  isa.BPF_ARSH,
];
const COMPARISONS = [
  isa.BPF_JEQ,
  isa.BPF_JGT,
  isa.BPF_JGE,
  isa.BPF_JSET,
  isa.BPF_JNE,
  isa.BPF_JSGT,
  isa.BPF_JSGE,
  isa.BPF_JLT,
  isa.BPF_JLE,
  isa.BPF_JSLT,
  isa.BPF_JSLE,
];
const FETCHING = [isa.BPF_ADD, isa.BPF_OR, isa.BPF_AND, isa.BPF_XOR];
const ORDERED = [isa.BPF_LOAD_ACQ, isa.BPF_STORE_REL];
const ATOMICS = [
  ...FETCHING,
  ...FETCHING.map(operation => operation | isa.BPF_FETCH),
  isa.BPF_XCHG,
  isa.BPF_CMPXCHG,
  ...ORDERED,
];

/** Opcode → the forms that it has; an instruction has to be one of them. */
const ENCODINGS: ReadonlyMap<number, readonly Encoding[]> = new Map([
  ...arithmetic(isa.BPF_ALU, [0, 8, 16]),
  ...arithmetic(isa.BPF_ALU64, [0, 8, 16, 32]),
  ...memory(),
  ...control(),
]);

type Row = readonly [opcode: number, forms: readonly Encoding[]];

function row(opcode: number, ...forms: readonly Partial<Encoding>[]): Row {
  return [opcode, forms.map(form => ({ ...UNUSED, ...form }))];
}

function arithmetic(insnClass: number, moves: readonly number[]): Row[] {
  const withNumber = { dst: 'used', imm: 'used' } as const;
  const withRegister = { dst: 'used', src: 'used' } as const;
  const swap = { dst: 'used', imm: [16, 32, 64] } as const;
  const cast = { ...withRegister, ...withNumber, offset: [1] };
  const wide = insnClass === isa.BPF_ALU64;
  return [
    ...ALU_OPERATIONS.flatMap(operation => [
      row(insnClass | operation | isa.BPF_K, withNumber),
      row(insnClass | operation | isa.BPF_X, withRegister),
    ]),
    ...[isa.BPF_DIV, isa.BPF_MOD].flatMap(operation => [
      row(insnClass | operation | isa.BPF_K, { ...withNumber, offset: [0, 1] }),
      row(insnClass | operation | isa.BPF_X, { ...withRegister, offset: [0, 1] }),
    ]),
    row(insnClass | isa.BPF_MOV | isa.BPF_K, withNumber),
    row(insnClass | isa.BPF_MOV | isa.BPF_X, { ...withRegister, offset: moves }, ...(wide ? [cast] : [])),
    row(insnClass | isa.BPF_NEG, { dst: 'used' }),
    row(insnClass | isa.BPF_END | isa.BPF_K, swap),
    ...(wide ? [] : [row(insnClass | isa.BPF_END | isa.BPF_X, swap)]),
  ];
}

function memory(): Row[] {
  const packetSizes = SIZES.filter(size => size !== isa.BPF_DW);
  const place = { dst: 'used', src: 'used', offset: 'used' } as const;
  return [
    row(isa.OP_LD_IMM64, { dst: 'used', src: [0, 1, 2, 3, 4, 5, 6], imm: 'used' }),
    ...packetSizes.flatMap(size => [
      row(isa.BPF_LD | isa.BPF_ABS | size, { imm: 'used' }),
      row(isa.BPF_LD | isa.BPF_IND | size, { src: 'used', imm: 'used' }),
      row(isa.BPF_LDX | isa.BPF_MEMSX | size, place),
    ]),
    ...SIZES.flatMap(size => [
      row(isa.BPF_LDX | isa.BPF_MEM | size, place),
      row(isa.BPF_ST | isa.BPF_MEM | size, { dst: 'used', offset: 'used', imm: 'used' }),
      row(isa.BPF_STX | isa.BPF_MEM | size, place),
      row(isa.BPF_STX | isa.BPF_ATOMIC | size, { ...place, imm: isAtomic(size) ? ATOMICS : ORDERED }),
    ]),
  ];
}

/** Only acquire and release exist for the smaller sizes. */
function isAtomic(size: number): boolean {
  return size === isa.BPF_W || size === isa.BPF_DW;
}

function control(): Row[] {
  return [
    row(isa.OP_JA, { offset: 'used' }),
    row(isa.OP_JA32, { imm: 'used' }),
    row(isa.OP_GOTOX, { dst: 'used' }),
    row(isa.OP_CALL, { src: [0, isa.BPF_PSEUDO_CALL], imm: 'used' }, moduleCall()),
    row(isa.OP_CALLX, { dst: 'used' }),
    row(isa.OP_EXIT, { offset: 'used' }), // the kernel reads it in no place
    row(isa.BPF_JMP | isa.BPF_JCOND, { offset: 'used' }),
    ...[isa.BPF_JMP, isa.BPF_JMP32].flatMap(insnClass =>
      COMPARISONS.flatMap(operation => [
        row(insnClass | operation | isa.BPF_K, { dst: 'used', offset: 'used', imm: 'used' }),
        row(insnClass | operation | isa.BPF_X, { dst: 'used', src: 'used', offset: 'used' }),
      ]),
    ),
  ];
}

/** The offset of a kfunc's call names the module. */
function moduleCall(): Partial<Encoding> {
  return { src: [isa.BPF_PSEUDO_KFUNC_CALL], offset: 'used', imm: 'used' };
}

/** All opcodes of the instruction set with their forms. */
export function encodings(): Iterable<readonly [opcode: number, forms: readonly Encoding[]]> {
  return ENCODINGS;
}

/** Whether any instruction has the opcode. */
export function isOpcode(opcode: number): boolean {
  return ENCODINGS.has(opcode);
}

/** The first field with a value that the opcode does not allow; undefined also for an unknown opcode. */
export function fieldProblem(insn: isa.Insn): FieldProblem | undefined {
  const forms = ENCODINGS.get(insn.opcode);
  if (forms === undefined) return undefined;
  let first: FieldProblem | undefined;
  for (const form of forms) {
    const problem = problemOf(insn, form);
    if (problem === undefined) return undefined;
    first ??= problem;
  }
  return first;
}

/** The same for the second slot of `ld_imm64`, of which only the imm is used. */
export function secondSlotProblem(insn: isa.Insn): FieldProblem | undefined {
  return problemOf(insn, { ...UNUSED, imm: 'used' });
}

/** `offset is 5, and must be 0, 8 or 16`. */
export function formatFieldProblem({ field, value, allowed }: FieldProblem): string {
  const last = `${allowed.at(-1)}`;
  const list = allowed.length < 2 ? last : `${allowed.slice(0, -1).join(', ')} or ${last}`;
  return `${field} is ${value}, and must be ${list}`;
}

function problemOf(insn: isa.Insn, form: Encoding): FieldProblem | undefined {
  for (const field of FIELDS) {
    const allowed = form[field];
    if (allowed !== 'used' && !allowed.includes(insn[field])) return { field, value: insn[field], allowed };
  }
  return undefined;
}
