/**
 * What instructions refer to, resolved: maps, globals, externs. Descriptors stay open as fixups; everything
 * else is written into the instructions.
 */

import type { BtfId } from '../../btf/index.ts';
import { elementAt, valueAt } from '../../bytes/index.ts';
import { bugError, type CodeOf, type Problem, problem, quote } from '../../diag/index.ts';
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  type CodeView,
  callHelper,
} from '../../isa/index.ts';
import type { BpfObject, BpfSymbol, ObjectLayout, SymbolIndex } from '../../object/index.ts';
import { sectionAt } from '../../object/index.ts';
import type { ExternBinding, ExternBindings } from '../externs/index.ts';
import type { OpenReference } from './flatten.ts';
import type { JumpTables } from './jump-tables.ts';
import type { PlannedMaps } from './maps.ts';
import type { Fixup, Poison } from './plan.ts';

/** What references are resolved against. */
export interface References {
  readonly layout: ObjectLayout;
  readonly maps: PlannedMaps;
  readonly bindings: ExternBindings;
  /** Index of the map of kconfig externs, and where they are in it. */
  readonly kconfig: { readonly map: number; readonly offsets: ReadonlyMap<SymbolIndex, number> } | null;
}

/** A program while its references are resolved. */
export interface Sink {
  readonly object: BpfObject;
  readonly references: References;
  readonly code: CodeView;
  readonly fixups: Fixup[];
  readonly poisons: Poison[];
  /** ld_imm64 that hold the BTF id of a kernel function. */
  readonly functionAddresses: number[];
  readonly jumpTables: JumpTables;
}

/** Helper numbers that no kernel has; the verifier names them when a poisoned call is not dead. */
export const POISONED_EXTERN = 2_002_000_000;

const MISSING: ExternBinding = { kind: 'missing' };

/** Resolves one reference; the problem when that cannot be done. */
export function resolveReference(sink: Sink, open: OpenReference): Problem | undefined {
  const target = sink.object.symbols[open.reference.symbol];
  if (target?.kind === 'extern') return resolveExtern(sink, open, target);
  if (target === undefined || target.kind === 'function') {
    return unresolved(sink, open, 'load-reference', 'refers to a symbol that does not exist');
  }
  if (open.reference.kind === 'call') return callOfData(sink, open, target);
  if (target.kind === 'map') return resolveMap(sink, open, target.name);
  const table = sink.jumpTables.add(open.insnIndex, open.reference);
  return table === undefined
    ? resolveVariable(sink, open, target.section)
    : resolveJumpTable(sink, open, table);
}

function callOfData(sink: Sink, open: OpenReference, target: BpfSymbol): Problem {
  return unresolved(sink, open, 'load-reference', `calls ${quote(target.name)}, which is not a function`);
}

function resolveMap(sink: Sink, open: OpenReference, name: string): Problem | undefined {
  const { insnIndex, reference } = open;
  if (reference.addend !== 0) {
    return unresolved(sink, open, 'load-map-offset', `refers into map ${quote(name)} at ${reference.addend}`);
  }
  sink.code.setSrc(insnIndex, BPF_PSEUDO_MAP_FD);
  sink.fixups.push({
    kind: 'map',
    insnIndex,
    map: valueAt(sink.references.maps.ofSymbol, reference.symbol),
  });
  return undefined;
}

function resolveVariable(sink: Sink, open: OpenReference, section: number): Problem | undefined {
  const map = sink.references.maps.ofSection.get(section);
  const { name } = sectionAt(sink.object, section);
  if (map === undefined) {
    const message = `refers to section ${quote(name)}, which programs cannot read`;
    const kept = name.replace(/^\.+/, '');
    const hint = `sections of variables are ".data.…", ".rodata.…" and ".bss.…": SEC(${quote(`.data.${kept}`)})`;
    return unresolved(sink, open, 'load-data-section', message, { hint });
  }
  const start = elementAt(sink.references.layout.offsets, open.reference.symbol);
  setMapValue(sink, open.insnIndex, map, start + open.reference.addend);
  return undefined;
}

/** The instruction gets the place in the table now, and the map when that exists. */
function resolveJumpTable(sink: Sink, open: OpenReference, table: number | string): Problem | undefined {
  if (typeof table === 'string') return unresolved(sink, open, 'load-jump-table', table);
  const { insnIndex, reference } = open;
  sink.code.setSrc(insnIndex, BPF_PSEUDO_MAP_VALUE);
  setSecondImm(sink.code, insnIndex, reference.addend);
  sink.fixups.push({ kind: 'jump-table', insnIndex, table });
  return undefined;
}

function setMapValue(sink: Sink, insnIndex: number, map: number, offset: number): void {
  sink.code.setSrc(insnIndex, BPF_PSEUDO_MAP_VALUE);
  setSecondImm(sink.code, insnIndex, offset);
  sink.fixups.push({ kind: 'map-value', insnIndex, map, offset });
}

function resolveExtern(sink: Sink, open: OpenReference, target: BpfSymbol): Problem | undefined {
  const binding =
    sink.references.bindings.get(open.reference.symbol) ?? (target.binding === 'weak' ? MISSING : undefined);
  if (binding === undefined) {
    const message = `refers to ${quote(target.name)}, which is undefined`;
    const hint = 'link the object that defines it, or declare it weak';
    return unresolved(sink, open, 'load-unresolved-extern', message, { hint });
  }
  if (open.reference.kind === 'address') {
    setAddress(sink, open, binding);
    return undefined;
  }
  if (binding.kind === 'kfunc') setKernelCall(sink, open.insnIndex, binding);
  else if (binding.kind === 'missing') poisonCall(sink, open, target.name, binding.why);
  else return callOfData(sink, open, target);
  return undefined;
}

function setAddress(sink: Sink, open: OpenReference, binding: ExternBinding): void {
  const { insnIndex, reference } = open;
  const { code, references } = sink;
  switch (binding.kind) {
    case 'kconfig': {
      const { kconfig } = references;
      if (kconfig === null) throw bugError([sink.object.name], 'a bound configuration value has no map');
      setMapValue(
        sink,
        insnIndex,
        kconfig.map,
        valueAt(kconfig.offsets, reference.symbol) + reference.addend,
      );
      return;
    }
    case 'address':
      setImm64(code, insnIndex, BigInt.asUintN(64, binding.address + BigInt(reference.addend)));
      return;
    case 'kfunc':
      sink.functionAddresses.push(insnIndex);
      setKernelSymbol(sink, insnIndex, binding);
      return;
    case 'kernel-variable':
      setKernelSymbol(sink, insnIndex, binding);
      return;
    case 'missing':
      setImm64(code, insnIndex, 0n);
      return;
  }
}

/** ld_imm64 of a variable or function that the kernel's types have: the kernel fills in its address. */
function setKernelSymbol(
  { code, fixups }: Sink,
  insnIndex: number,
  { btfId, btfObject }: { readonly btfId: BtfId; readonly btfObject: number },
): void {
  code.setSrc(insnIndex, BPF_PSEUDO_BTF_ID);
  code.setImm(insnIndex, btfId);
  setSecondImm(code, insnIndex, 0);
  if (btfObject !== 0) fixups.push({ kind: 'kernel-symbol', insnIndex, btfObject });
}

function setKernelCall(
  sink: Sink,
  insnIndex: number,
  binding: Extract<ExternBinding, { kind: 'kfunc' }>,
): void {
  sink.code.setSrc(insnIndex, BPF_PSEUDO_KFUNC_CALL);
  sink.code.setImm(insnIndex, binding.btfId);
  sink.code.setOffset(insnIndex, 0);
  if (binding.btfObject !== 0) sink.fixups.push({ kind: 'kfunc', insnIndex, btfObject: binding.btfObject });
}

function poisonCall(sink: Sink, open: OpenReference, name: string, why = 'does not exist'): void {
  const { insnIndex } = open;
  const helper = POISONED_EXTERN + open.reference.symbol;
  sink.poisons.push({ insnIndex, helper, what: `calls function ${quote(name)}, which ${why}` });
  sink.code.set(insnIndex, callHelper(helper));
}

function unresolved(
  sink: Sink,
  open: OpenReference,
  code: CodeOf<'input'>,
  message: string,
  extras: Pick<Problem, 'hint'> = {},
): Problem {
  const where = [sink.object.name, `function ${quote(open.holder)}`, `insn ${open.reference.insnIndex}`];
  return problem(code, where, message, extras);
}

/** Sets the upper half of a ld_imm64. */
function setSecondImm(code: CodeView, insnIndex: number, value: number): void {
  if (insnIndex + 1 < code.length) code.setImm(insnIndex + 1, value | 0);
}

/** A ld_imm64 of a plain number. */
export function setImm64(code: CodeView, insnIndex: number, value: bigint): void {
  code.setSrc(insnIndex, 0);
  code.setImm(insnIndex, Number(BigInt.asIntN(32, value)));
  if (insnIndex + 1 < code.length) code.setImm(insnIndex + 1, Number(BigInt.asIntN(32, value >> 32n)));
}
