/**
 * Random models. The same seed gives the same model; generated programs should pass the kernel's verifier.
 */

import { insn } from '../../src/isa/assemble.ts';
import * as isa from '../../src/isa/opcodes.ts';
import { SeededRandom } from '../hostile/random.ts';
import {
  allOps,
  type FunctionEntity,
  type MapEntity,
  type Model,
  type Op,
  type Role,
  type Standing,
  type VariableEntity,
} from './model.ts';
import { type Hook, randomComparison, randomPacketOp } from './packet-model.ts';

export interface GenerateOptions {
  /** Default 1 to 4. */
  readonly units?: number;
  /** Tail calls leave whatever called the program; a component of a chain must not. Default true. */
  readonly tailCalls?: boolean;
  /** Exactly one program, in unit 0. Default false. */
  readonly oneProgram?: boolean;
  /** Bits of the value that programs return; 0, the default, for all of them. */
  readonly verdictMask?: number;
  /** Default true. */
  readonly statics?: boolean;
  /** Added to the sizes of variables and the lengths of maps, to tell those of several models apart. Default 0. */
  readonly firstId?: number;
  /** Default `xdp`. */
  readonly hook?: Hook;
  /** Version of the instruction set: kernels before 6.6 have 3. Default 4. */
  readonly cpu?: 3 | 4;
}

/** Operations of atomic instructions. */
const ATOMICS = [0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1];
const STATIC_NAMES = ['helper', 'step', 'state', 'table', 'work'];
const STRINGS = ['common text', 'common tail', 'text', 'test', 'x', 'mon text'];

class Draft {
  readonly random: SeededRandom;
  readonly units: number;
  readonly options: GenerateOptions;
  readonly functions: FunctionEntity[] = [];
  readonly variables: VariableEntity[] = [];
  readonly maps: MapEntity[] = [];
  /** A function that tail-calls and that only the first program calls, so that this ends; -1 for none. */
  jumper = -1;

  constructor(seed: number, options: GenerateOptions) {
    this.random = new SeededRandom(seed);
    this.options = options;
    this.units = options.units ?? 1 + this.random.below(4);
  }

  chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  unit(): number {
    return this.random.below(this.units);
  }

  /** Name, unit and standing of something new; `taken` are the static names of its unit. */
  base(id: number, stem: string, standings: readonly Standing[]) {
    const unit = this.unit();
    const picked = this.random.pick(standings);
    const optional = this.options.statics === false && standings.length > 1;
    const standing = optional && picked === 'local' ? 'global' : picked;
    const others = Array.from({ length: this.units }, (_, other) => other).filter(other => other !== unit);
    const later = others.filter(other => other > unit);
    const losers = standing === 'global' ? others : standing === 'weak' ? later : [];
    const repeats = standing === 'global' && this.chance(30);
    return {
      id,
      unit,
      standing,
      name: standing === 'local' ? this.#staticName(unit, stem, id) : `${stem}${id}`,
      repeatedIn: repeats ? others.filter(() => this.chance(50)) : [],
      weakIn: repeats ? [] : losers.filter(() => this.chance(25)),
    };
  }

  #staticName(unit: number, stem: string, id: number): string {
    const name = this.random.pick(STATIC_NAMES);
    const all = [...this.functions, ...this.variables, ...this.maps];
    return all.some(other => other.unit === unit && other.name === name) ? `${stem}_static${id}` : name;
  }
}

export function generateModel(seed: number, options: GenerateOptions = {}): Model {
  const draft = new Draft(seed, options);
  for (let count = 2 + draft.random.below(6); count > 0; count--) addVariable(draft);
  addFunctions(draft);
  for (let count = 1 + draft.random.below(4); count > 0; count--) addMap(draft);
  fillFunctions(draft);
  const { units, functions, variables, maps } = draft;
  const { hook = 'xdp', verdictMask = 0 } = options;
  return { seed, hook, units, verdictMask, functions, variables, maps };
}

// --- variables and maps -------------------------------------------------------------------------------------------

const SECTIONS = ['.data', '.data', '.bss', '.bss', '.rodata', '.data.extra', '.rodata.extra', '.bss.extra'];

function addVariable(draft: Draft): void {
  const id = draft.variables.length;
  const section = draft.random.pick(SECTIONS);
  const base = draft.base(id, 'variable', ['global', 'global', 'local', 'weak']);
  const size = 8 * (1 + id + (draft.options.firstId ?? 0));
  const words = section.startsWith('.bss') ? [] : Array.from({ length: size / 8 }, () => word(draft.random));
  draft.variables.push({ ...base, section, size, words });
}

function word(random: SeededRandom): bigint {
  return (BigInt(random.next()) << 32n) | BigInt(random.next());
}

function addMap(draft: Draft): void {
  const id = draft.maps.length;
  const programs = draft.functions.filter(({ role }) => role === 'program');
  const { tailCalls = true, firstId = 0 } = draft.options;
  const jumps = tailCalls && programs.length > 1 && draft.chance(30);
  const standings: Standing[] = jumps ? ['global'] : ['global', 'global', 'local'];
  const made = draft.base(id, 'map', standings);
  const entity: MapEntity = {
    ...made,
    weakIn: [],
    type: jumps ? 'programs' : draft.random.pick(['array', 'hash']),
    entries: 3 + id + firstId,
    valueWords: 1 + draft.random.below(3),
    targets: [],
  };
  if (!jumps) draft.maps.push(entity);
  else {
    // a program array names programs of its own unit or global ones: all programs are global
    const targets = programs.slice(1).map(({ id: target }) => target);
    draft.maps.push({ ...entity, repeatedIn: [], targets: targets.slice(0, entity.entries) });
  }
}

// --- functions ----------------------------------------------------------------------------------------------------

function addFunctions(draft: Draft): void {
  const programs = draft.options.oneProgram === true ? 1 : 1 + draft.random.below(3);
  const roles: Role[] = [
    ...Array.from({ length: programs }, () => 'program' as const),
    ...Array.from({ length: 2 + draft.random.below(6) }, () =>
      draft.random.pick(['plain', 'plain', 'context'] as const),
    ),
    ...Array.from({ length: draft.random.below(3) }, () => 'callback' as const),
  ];
  // all programs of a program array must be of one sort
  const section = draft.options.hook === 'tc' ? 'tc' : draft.random.pick(['xdp', 'xdp', 'xdp.frags']);
  for (const role of roles) {
    const id = draft.functions.length;
    const standings: readonly Standing[] =
      role === 'program'
        ? ['global']
        : role === 'callback'
          ? ['local']
          : ['global', 'global', 'local', 'weak'];
    const base = draft.base(id, role, standings);
    const program = role === 'program';
    draft.functions.push({
      ...base,
      ...(program ? { repeatedIn: [], weakIn: [] } : {}),
      ...(program && draft.options.oneProgram === true ? { unit: 0 } : {}),
      role,
      section: program ? section : draft.chance(15) ? 'library' : '.text',
      ops: [],
      start: draft.random.next() | 0,
    });
  }
  const candidates = draft.functions.filter(({ role }) => role === 'context');
  if (programs > 1 && candidates.length > 0 && draft.chance(50))
    draft.jumper = draft.random.pick(candidates).id;
}

/** Static functions of one name in two units, equal or nearly so: the second one → the first. */
function addTwins(draft: Draft): Map<number, number> {
  const twins = new Map<number, number>();
  for (const original of [...draft.functions]) {
    if (original.standing !== 'local' || original.role !== 'plain' || draft.units < 2) continue;
    const unit = (original.unit + 1) % draft.units;
    const all = [...draft.functions, ...draft.variables];
    if (all.some(other => other.unit === unit && other.name === original.name)) continue;
    const id = draft.functions.length;
    draft.functions.push({ ...original, id, unit });
    twins.set(id, original.id);
  }
  return twins;
}

/** Calls go to later functions only, so there is no recursion; depth is limited by levels. */
function fillFunctions(draft: Draft): void {
  const twins = addTwins(draft);
  const levels = new Map<number, number>();
  for (const entity of draft.functions) {
    const level = entity.role === 'program' ? 0 : entity.role === 'callback' ? 6 : 1 + draft.random.below(4);
    levels.set(entity.id, levels.get(twins.get(entity.id) ?? -1) ?? level);
  }
  for (const entity of draft.functions) {
    const maker = new OpMaker(draft, entity, levels);
    const count = entity.role === 'callback' ? 2 : 3 + draft.random.below(entity.role === 'program' ? 8 : 4);
    const own = Array.from({ length: count }, () => maker.op(0));
    const ops = opsOfTwin(draft, draft.functions[twins.get(entity.id) ?? -1]) ?? own;
    // a function that names a static is not the same in another unit
    const repeatedIn = refersToStatics(draft, ops) ? [] : entity.repeatedIn;
    draft.functions[entity.id] = { ...entity, ops, repeatedIn };
  }
}

/** What the other one does, half of the time with one instruction more; undefined where that is not possible. */
function opsOfTwin(draft: Draft, original: FunctionEntity | undefined): readonly Op[] | undefined {
  if (original === undefined || refersToStatics(draft, original.ops)) return undefined;
  if (draft.chance(50)) return original.ops;
  const [first, ...others] = original.ops;
  const changed = insn(isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_K, 7, 0, 0, 1 + draft.random.below(100));
  // of equal length where there is arithmetic to replace
  return first?.kind === 'alu' && first.insns.length === 1
    ? [{ kind: 'alu', insns: [changed] }, ...others]
    : [...original.ops, { kind: 'alu', insns: [changed] }];
}

function refersToStatics({ functions, variables, maps }: Draft, ops: readonly Op[]): boolean {
  for (const op of allOps(ops)) {
    const target =
      op.kind === 'call'
        ? functions[op.callee]
        : op.kind === 'bpf-loop'
          ? functions[op.callback]
          : op.kind === 'variable'
            ? variables[op.variable]
            : 'map' in op
              ? maps[op.map]
              : undefined;
    if (target?.standing === 'local') return true;
  }
  return false;
}

class OpMaker {
  readonly #draft: Draft;
  readonly #owner: FunctionEntity;
  readonly #levels: ReadonlyMap<number, number>;

  constructor(draft: Draft, owner: FunctionEntity, levels: ReadonlyMap<number, number>) {
    this.#draft = draft;
    this.#owner = owner;
    this.#levels = levels;
  }

  op(depth: number): Op {
    const { random } = this.#draft;
    const { role } = this.#owner;
    const hasContext = role === 'program' || role === 'context';
    const makers: (() => Op | undefined)[] = [
      () => this.#alu(),
      () => this.#variable(),
      () => this.#variable(),
      () => ({ kind: 'string', text: random.pick(STRINGS), at: random.below(12) }),
      () => ({ kind: 'spill', slot: random.below(2) }),
      () => this.#compare(),
      () => ({ kind: 'narrow', form: random.below(4), value: random.below(8) }),
    ];
    if (role !== 'callback') {
      makers.push(
        () => this.#call(),
        () => this.#call(),
        () => this.#map(),
        () => this.#map(),
        () => this.#bpfLoop(),
        () => ({ kind: 'core', member: random.below(5) }),
      );
      if (depth === 0)
        makers.push(
          () => this.#branch(),
          () => this.#loop(),
          () => this.#frame(),
        );
      const packet = (): Op => randomPacketOp(random, this.#draft.options.hook ?? 'xdp', depth === 0);
      if (hasContext) makers.push(packet, packet, packet);
      if (hasContext && depth === 0) makers.push(() => this.#tailCall());
    }
    return random.pick(makers)() ?? this.#alu();
  }

  /** Whether the function may refer to something: statics only in their own unit. */
  #sees({ standing, unit }: { readonly standing: Standing; readonly unit: number }): boolean {
    return standing !== 'local' || unit === this.#owner.unit;
  }

  #alu(): Op {
    const { random } = this.#draft;
    const { cpu = 4 } = this.#draft.options;
    const insns = Array.from({ length: 1 + random.below(3) }, () => arithmetic(random));
    return { kind: 'alu', insns: cpu === 4 ? insns : insns.map(inVersion3) };
  }

  #branch(): Op {
    const { random } = this.#draft;
    const operation = random.pick([0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0]);
    const [cls, source] = [random.pick([isa.BPF_JMP, isa.BPF_JMP32]), random.pick([isa.BPF_K, isa.BPF_X])];
    const taken = insn(
      cls | operation | source,
      7,
      source === 0 ? 0 : 8,
      0,
      source === 0 ? immediate(random) : 0,
    );
    return { kind: 'branch', insn: taken, body: this.#body() };
  }

  #loop(): Op {
    const { random } = this.#draft;
    return { kind: 'loop', count: 2 + random.below(3), body: this.#body() };
  }

  #body(): Op[] {
    return Array.from({ length: 1 + this.#draft.random.below(2) }, () => this.op(1));
  }

  #variable(): Op | undefined {
    const { random, variables } = this.#draft;
    const seen = variables.filter(variable => this.#sees(variable));
    if (seen.length === 0) return undefined;
    const variable = random.pick(seen);
    const constant = variable.section.startsWith('.rodata');
    const access = constant ? 'load' : random.pick(['load', 'store', 'add', 'atomic'] as const);
    const size = access === 'atomic' ? random.pick([4, 8] as const) : random.pick([1, 2, 4, 8] as const);
    const offset = size * random.below(variable.size / size);
    const atomic = random.pick(ATOMICS);
    return { kind: 'variable', variable: variable.id, offset, size, access, atomic };
  }

  #map(): Op | undefined {
    const { random, maps } = this.#draft;
    const seen = maps.filter(map => map.type !== 'programs' && this.#sees(map));
    if (seen.length === 0) return undefined;
    const { id: map, type } = random.pick(seen);
    const mask = random.pick([1, 3, 7]);
    const sort = random.below(4);
    if (sort < 2) return { kind: 'lookup', map, mask, atomic: sort === 0 ? random.pick(ATOMICS) : null };
    if (sort === 3 && type === 'hash') return { kind: 'delete', map, mask };
    return { kind: 'update', map, mask, flags: random.below(3) };
  }

  #call(): Op | undefined {
    const { random, functions } = this.#draft;
    const level = this.#levels.get(this.#owner.id) ?? 0;
    const hasContext = this.#owner.role === 'program' || this.#owner.role === 'context';
    const callees = functions.filter(
      callee =>
        (callee.role === 'plain' || (hasContext && callee.role === 'context')) &&
        (this.#levels.get(callee.id) ?? 0) > level &&
        (callee.id !== this.#draft.jumper || this.#owner.id === 0) &&
        this.#sees(callee),
    );
    return callees.length === 0 ? undefined : { kind: 'call', callee: random.pick(callees).id };
  }

  #bpfLoop(): Op | undefined {
    const { random, functions } = this.#draft;
    const callbacks = functions.filter(callee => callee.role === 'callback' && this.#sees(callee));
    if (callbacks.length === 0) return undefined;
    return { kind: 'bpf-loop', callback: random.pick(callbacks).id, count: 1 + random.below(6) };
  }

  #compare(): Op {
    const { random } = this.#draft;
    const tests = Array.from({ length: 2 + random.below(3) }, () => randomComparison(random, [0, 1, 2, 3]));
    return { kind: 'compare', mask: random.pick([1, 3, 7]), tests };
  }

  /** Not in deep functions: the frames of a program have 512 bytes together. */
  #frame(): Op | undefined {
    const { random } = this.#draft;
    if ((this.#levels.get(this.#owner.id) ?? 0) > 2) return undefined;
    const jump = insn(
      isa.BPF_JMP | isa.BPF_JSET | isa.BPF_K,
      random.pick([7, 8]),
      0,
      0,
      random.pick([1, 2, 4]),
    );
    return { kind: 'frame', insn: jump, body: this.#body() };
  }

  #tailCall(): Op | undefined {
    const { random, maps } = this.#draft;
    const { id } = this.#owner;
    if (id !== 0 && id !== this.#draft.jumper) return undefined; // so that chains of tail calls end
    const jumps = maps.filter(map => map.type === 'programs');
    if (jumps.length === 0) return undefined;
    const map = random.pick(jumps);
    return { kind: 'tail-call', map: map.id, index: random.below(map.targets.length + 1) };
  }
}

function immediate(random: SeededRandom): number {
  return random.below(3) === 0 ? random.next() | 0 : random.below(64) - 16;
}

/** One instruction on r7 and r8. */
function arithmetic(random: SeededRandom): isa.Insn {
  const [cls, bits] = random.pick([
    [isa.BPF_ALU, 32],
    [isa.BPF_ALU64, 64],
  ] as const);
  const [dst, src] = random.pick([
    [7, 8],
    [7, 8],
    [8, 7],
  ] as const);
  const operation = random.pick([
    0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0,
  ]);
  if (operation === isa.BPF_NEG) return insn(cls | operation, dst);
  if (operation === isa.BPF_END)
    return insn(random.pick([0xd4, 0xdc, 0xd7]), dst, 0, 0, random.pick([16, 32, 64]));
  if (random.below(2) === 0) return insn(cls | operation | isa.BPF_X, dst, src, offsetOf(random, operation));
  const shift = operation === isa.BPF_LSH || operation === isa.BPF_RSH || operation === isa.BPF_ARSH;
  const divides = operation === isa.BPF_DIV || operation === isa.BPF_MOD;
  const imm = shift ? random.below(bits) : divides ? 1 + random.below(1000) : immediate(random);
  return insn(cls | operation, dst, 0, divides ? offsetOf(random, operation) : 0, imm);
}

/** Unsigned division, plain moves, and byte swaps by the byte order. */
function inVersion3(one: isa.Insn): isa.Insn {
  return { ...one, offset: 0, opcode: one.opcode === 0xd7 ? 0xdc : one.opcode };
}

/** Signed division and moves that extend the sign, of instruction set 4. */
function offsetOf(random: SeededRandom, operation: number): number {
  const divides = operation === isa.BPF_DIV || operation === isa.BPF_MOD;
  if (divides) return random.below(2);
  return operation === isa.BPF_MOV ? random.pick([0, 8, 16]) : 0;
}
