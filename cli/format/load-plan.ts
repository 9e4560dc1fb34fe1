/** What a load would do, as text and as data. */

import { type BtfId, decodeData as decodeValue } from '../../src/btf/index.ts';
import { counted, joinBlocks, type Lines, line, quote } from '../../src/diag/index.ts';
import {
  type ExternBinding,
  type LimitedPlan,
  type MapPlan,
  type PreparedLoad,
  type ProgramPlan,
  pinPathOf,
} from '../../src/load/index.ts';
import { type BpfObject, countsCpus, symbolOf } from '../../src/object/index.ts';
import { attachTypeName, mapTypeName, progTypeName } from '../../src/uapi/index.ts';
import { formatOutlook } from './optimization.ts';
import { table } from './table.ts';

export interface PlanView extends PreparedLoad {
  readonly name: string;
  /** Paths of maps given with --map, by name. */
  readonly given: ReadonlyMap<string, string>;
  readonly pinRoot: string | null;
  /** Features that the kernel lacks. */
  readonly fallbacks: LimitedPlan['notes'];
  /** What becomes of types that the kernel refuses. */
  readonly typeNotes: readonly string[];
  readonly exists: (path: string) => boolean;
}

export function planJson(view: PlanView): Record<string, unknown> {
  const { plan } = view;
  return {
    name: view.name,
    source: plan.source,
    license: plan.license,
    btfBytes: plan.btf?.length ?? 0,
    maps: plan.maps.map(map => mapJson(view, map)),
    programs: plan.programs.map(programJson),
    externs: externRows(view).map(([name = '', kind = '', bound = '']) => ({ name, kind, bound })),
    core: view.answers.map(({ asked, found, before, after, poisoned, why, functionIndex, insnIndex }) => {
      const inFunction = symbolOf(view.object, functionIndex).name;
      return { function: inFunction, insn: insnIndex, asked, found, before, after, poisoned, why };
    }),
    optimization: plan.optimization ?? null,
    fallbacks: view.fallbacks,
    notes: [...view.plan.notes, ...view.typeNotes],
  };
}

function mapJson(view: PlanView, map: MapPlan): Record<string, unknown> {
  const { name, kernelName, keySize, valueSize, maxEntries, flags, mapExtra, frozen } = map;
  const type = mapTypeName(map.type);
  const sizes = { keySize, valueSize, maxEntries, flags, mapExtra };
  const initialised = map.contents !== null || map.initial.length > 0;
  return { name, kernelName, type, ...sizes, frozen, initialised, origin: originOf(view, map) };
}

/** Whether the map of the plan is there already. */
export function mapExists(view: PlanView, map: MapPlan): boolean {
  return originOf(view, map).kind !== 'new';
}

type Origin = { readonly kind: 'new' | 'given' | 'pinned'; readonly path?: string };

/** Pinned: made new and pinned there when there is none. */
function originOf(view: PlanView, map: MapPlan): Origin {
  const given = view.given.get(map.name);
  if (given !== undefined) return { kind: 'given', path: given };
  const path = view.pinRoot === null ? undefined : pinPathOf(map, view.pinRoot, view.plan.source);
  if (path === undefined) return { kind: 'new' };
  return { kind: view.exists(path) ? 'pinned' : 'new', path };
}

function programJson(program: ProgramPlan): Record<string, unknown> {
  const { name, kernelName, section, type, functions, poisons, jumpTables } = program;
  return {
    name,
    kernelName,
    section,
    type: progTypeName(type.progType),
    attachType: type.expectedAttachType === 0 ? null : attachTypeName(type.expectedAttachType),
    flags: type.flags,
    insns: program.code.length / 8,
    functions: functions.map(({ name: called, insnIndex, insnCount }) => ({
      name: called,
      insnIndex,
      insnCount,
    })),
    jumpTables: jumpTables.map(({ targets }) => targets),
    unreachable: poisons.map(({ insnIndex, what }) => ({ insn: insnIndex, what })),
  };
}

export function formatPlan(view: PlanView): Lines {
  const { plan } = view;
  const license = plan.license === '' ? 'no license' : `license ${plan.license}`;
  const btf = plan.btf === null ? 'no BTF' : `${plan.btf.length} bytes of BTF`;
  return joinBlocks([
    line(`would load ${view.name} from ${plan.source}: ${license}, ${btf}`),
    ...block(
      'maps, in this order',
      plan.maps.map(map => mapRow(view, map)),
    ),
    ...block('programs', plan.programs.map(programRow)),
    ...(plan.optimization === undefined ? [] : formatOutlook(plan.optimization)),
    ...block('externs', externRows(view)),
    ...block('CO-RE', coreRows(view)),
    ...block(
      'not supported by this kernel',
      view.fallbacks.map(note => [note]),
    ),
    ...block(
      'notes',
      [...plan.notes, ...view.typeNotes].map(note => [note]),
    ),
    line('nothing was created'),
  ]);
}

function block(title: string, rows: readonly (readonly string[])[]): Lines[] {
  return rows.length === 0 ? [] : [line(`${title}:`), table(rows, '  ')];
}

function mapRow(view: PlanView, map: MapPlan): string[] {
  const origin = originOf(view, map);
  const from = {
    new: origin.path === undefined ? '' : `new, pinned at ${origin.path}`,
    given: `the one at ${origin.path}`,
    pinned: `the one at ${origin.path}`,
  }[origin.kind];
  return [
    map.name,
    mapTypeName(map.type),
    `key ${map.keySize}`,
    `value ${map.valueSize}`,
    countsCpus(map) ? 'entries as CPUs' : counted(map.maxEntries, 'entry'),
    [from, ...(map.frozen ? ['constant'] : [])].filter(word => word !== '').join(', '),
  ];
}

function programRow(program: ProgramPlan): string[] {
  const { functions, jumpTables } = program;
  const tables = jumpTables.length === 1 ? '1 jump table' : `${jumpTables.length} jump tables`;
  const others = functions.slice(1).map(({ name }) => name);
  if (jumpTables.length > 0) others.push(tables);
  return [
    program.name,
    progTypeName(program.type.progType),
    `SEC("${program.section}")`,
    `${program.code.length / 8} insns`,
    others.length === 0 ? '' : `with ${others.join(', ')}`,
  ];
}

function externRows({ object, bindings }: PlanView): string[][] {
  return [...bindings].map(([index, binding]) => {
    const symbol = symbolOf(object, index);
    return [symbol.name, ...bindingWords(binding, object, symbol.btfId)];
  });
}

function bindingWords(binding: ExternBinding, object: BpfObject, type: BtfId): string[] {
  switch (binding.kind) {
    case 'kconfig':
      return ['configuration value', valueText(object, type, binding.value)];
    case 'address':
      return ['kernel symbol', `0x${binding.address.toString(16)}`];
    case 'kernel-variable':
      return ['kernel variable', `type ${binding.btfId}${moduleOf(binding.btfObject)}`];
    case 'kfunc':
      return ['kernel function', `type ${binding.btfId}${moduleOf(binding.btfObject)}`];
    case 'missing':
      return ['weak', 'not on this kernel'];
  }
}

function valueText({ btf, byteOrder }: BpfObject, type: BtfId, bytes: Uint8Array): string {
  if (btf === null || type === 0) return [...bytes].join(' ');
  const value = decodeValue({ btf, order: byteOrder }, type, bytes);
  return typeof value === 'string' ? quote(value) : String(value);
}

function moduleOf(btfObject: number): string {
  return btfObject === 0 ? ' of vmlinux' : ` of the module with BTF ${btfObject}`;
}

function coreRows({ object, answers }: PlanView): string[][] {
  return answers.map(answer => [
    `${symbolOf(object, answer.functionIndex).name}+${answer.insnIndex}`,
    answer.asked,
    answer.poisoned ? `not here: ${answer.why ?? ''}` : `${answer.before} → ${answer.after}`,
    answer.found !== null && answer.found !== answer.asked ? answer.found : '',
  ]);
}
