/** Which program of an object goes to a hook, and what has to be loaded with it. */

import { available, didYouMean, quote, RootletError, usageError } from '../../diag/index.ts';
import {
  type BpfObject,
  heldPrograms,
  programsOf,
  programTypeOf,
  type SectionInfo,
  sectionNameOf,
  sectionOf,
  staticProgram,
  staticPrograms,
  symbolOf,
  typeHint,
} from '../../object/index.ts';
import { type HookRequest, isOperations, requireKind } from './kinds.ts';

interface Candidate {
  readonly name: string;
  readonly section: string;
  readonly type: SectionInfo | undefined;
}

/**
 * What to attach: the named program, or the only one that suits; for struct_ops the map. Throws
 * `attach-program`, and `object-static-program` for a program that is meant and static.
 */
export function programForHook(object: BpfObject, hook: HookRequest, wanted: string | undefined): string {
  if (isOperations(hook)) return wanted ?? (hook.target === '-' ? onlyTable(object) : hook.target);
  const all = candidatesIn(object);
  const fitting = all.filter(candidate => suitsKind(candidate, hook));
  requireGlobal(object, hook, wanted);
  if (wanted === undefined) return onlyProgram(object, hook, all, fitting);
  if (fitting.some(({ name }) => name === wanted)) return wanted;
  throw unsuitable(object, hook, all, wanted);
}

/**
 * Types for programs whose section specifies none (`withProgramTypes`): the one that is meant for the hook, and
 * those that arrays hold for it. `section`: the section of such programs; default that of the kind of hook.
 */
export function typesForHook(
  object: BpfObject,
  hook: HookRequest,
  wanted: string | undefined,
  section = requireKind(hook.kind).section,
): ReadonlyMap<string, string> {
  const all = candidatesIn(object);
  const untyped = all.filter(({ type }) => type === undefined);
  if (section === undefined || untyped.length === 0) return new Map();
  const held = new Set([...heldPrograms(object)].map(index => symbolOf(object, index).name));
  const main = wanted ?? onlyUntyped(all, untyped, hook);
  const meant = untyped.filter(({ name }) => name === main || held.has(name));
  return new Map(meant.map(({ name }) => [name, section]));
}

/** A note for each program that got the type of its hook. */
export function hookTypeNotes(object: BpfObject, types: ReadonlyMap<string, string>): string[] {
  return candidatesIn(object).flatMap(({ name, section }) => {
    const type = types.get(name);
    if (type === undefined) return [];
    return [
      `program ${quote(name)} is loaded as ${type}, since its section ${quote(section)} does not specify a type`,
    ];
  });
}

function candidatesIn(object: BpfObject): Candidate[] {
  return programsOf(object).map(({ program }): Candidate => {
    const section = sectionNameOf(object, program);
    return { name: program.name, section, type: programTypeOf(section) };
  });
}

/** The only program without a type, where no program with one suits the hook. */
function onlyUntyped(
  all: readonly Candidate[],
  untyped: readonly Candidate[],
  hook: HookRequest,
): string | undefined {
  if (all.some(candidate => suitsKind(candidate, hook))) return undefined;
  const autoloaded = untyped.filter(isAutoloaded);
  const [only, ...others] = autoloaded.length > 0 ? autoloaded : untyped;
  return others.length === 0 ? only?.name : undefined;
}

function isAutoloaded({ section }: Candidate): boolean {
  return !section.startsWith('?');
}

function suitsKind({ type }: Pick<Candidate, 'type'>, { kind }: HookRequest): boolean {
  const { types, suits } = requireKind(kind);
  return type !== undefined && types.includes(type.progType) && (suits?.(type) ?? true);
}

/** Throws for a static program that would be the one for the hook, or one of several, if it were global. */
function requireGlobal(object: BpfObject, hook: HookRequest, wanted: string | undefined): void {
  const { section } = requireKind(hook.kind);
  const meant = staticPrograms(object).find(program => {
    if (wanted !== undefined) return program.name === wanted;
    const type = programTypeOf(sectionNameOf(object, program));
    return suitsKind({ type }, hook) || (type === undefined && section !== undefined);
  });
  if (meant !== undefined && !programsOf(object).some(({ program }) => program.name === wanted))
    throw new RootletError([staticProgram(object, meant)]);
}

function onlyProgram(
  object: BpfObject,
  { kind }: HookRequest,
  all: readonly Candidate[],
  fitting: readonly Candidate[],
): string {
  const autoloaded = fitting.filter(isAutoloaded);
  const [only, ...others] = autoloaded.length > 0 ? autoloaded : fitting;
  if (only !== undefined && others.length === 0) return only.name;
  if (only === undefined)
    throw usageError('attach-program', `${object.name}: no program is for ${kind}`, noneHint(kind, all));
  throw usageError('attach-program', `${object.name}: several programs are for ${kind}`, {
    hint: `name one, as FILE:PROGRAM: ${fitting.map(({ name }) => name).join(', ')}`,
  });
}

function noneHint(kind: string, all: readonly Candidate[]): { readonly hint?: string } {
  if (all.length === 0) return {};
  const [untyped, ...others] = all.filter(({ type }) => type === undefined);
  if (untyped === undefined) return { hint: `there are: ${listed(all)}` };
  const { section } = requireKind(kind);
  if (section === undefined || others.length === 0)
    return { hint: `there are: ${listed(all)}; ${typeHint(untyped.name, untyped.section)}` };
  const names = [untyped, ...others].map(({ name }) => name).join(', ');
  return {
    hint: `there are: ${listed(all)}; as FILE:PROGRAM these are attached as ${section}: ${names}`,
  };
}

function listed(candidates: readonly Candidate[]): string {
  return candidates.map(({ name, section }) => `${name} in SEC("${section}")`).join(', ');
}

function unsuitable(
  object: BpfObject,
  { kind }: HookRequest,
  all: readonly Candidate[],
  wanted: string,
): RootletError {
  const found = all.find(({ name }) => name === wanted);
  const names = all.map(({ name }) => name);
  if (found === undefined)
    return usageError('attach-program', `${object.name}: there is no program ${quote(wanted)}`, {
      ...didYouMean(wanted, names, available('there are', names)),
    });
  return usageError(
    'attach-program',
    `program ${quote(wanted)} in SEC(${quote(found.section)}) is not for ${kind}`,
    found.type === undefined ? { hint: typeHint(found.name, found.section) } : {},
  );
}

/** The only variable in SEC(".struct_ops.link"), else in SEC(".struct_ops"). */
function onlyTable(object: BpfObject): string {
  const inSection = (section: string) =>
    object.symbols.flatMap(symbol =>
      symbol.kind === 'variable' && sectionOf(object, symbol)?.name === section ? [symbol.name] : [],
    );
  const linked = inSection('.struct_ops.link');
  const names = linked.length > 0 ? linked : inSection('.struct_ops');
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  throw usageError(
    'attach-program',
    `${object.name}: ${only === undefined ? 'there is no struct_ops map' : 'there are several struct_ops maps'}`,
    { hint: only === undefined ? 'define it in SEC(".struct_ops.link")' : `name one: ${names.join(', ')}` },
  );
}
