/** Which program of an object goes to a hook, and what has to be loaded with it. */

import { available, quote, type RootletError, usageError } from '../../diag/index.ts';
import {
  type BpfObject,
  programsOf,
  programTypeOf,
  type SectionInfo,
  sectionNameOf,
  sectionOf,
} from '../../object/index.ts';
import { type HookRequest, isOperations, requireKind } from './kinds.ts';

interface Candidate {
  readonly name: string;
  readonly section: string;
  readonly type: SectionInfo | undefined;
}

/**
 * What to attach: the named program, or the only one that suits; for struct_ops the map. Throws
 * `attach-program`.
 */
export function programForHook(object: BpfObject, hook: HookRequest, wanted: string | undefined): string {
  if (isOperations(hook)) return wanted ?? (hook.target === '-' ? onlyTable(object) : hook.target);
  const all = programsOf(object).map(({ program }): Candidate => {
    const section = sectionNameOf(object, program);
    return { name: program.name, section, type: programTypeOf(section) };
  });
  const fitting = all.filter(candidate => suitsKind(candidate, hook));
  if (wanted === undefined) return onlyProgram(object, hook, all, fitting);
  if (fitting.some(({ name }) => name === wanted)) return wanted;
  throw unsuitable(object, hook, all, wanted);
}

function suitsKind({ type }: Candidate, { kind }: HookRequest): boolean {
  const { types, suits } = requireKind(kind);
  return type !== undefined && types.includes(type.progType) && (suits?.(type) ?? true);
}

function onlyProgram(
  object: BpfObject,
  { kind }: HookRequest,
  all: readonly Candidate[],
  fitting: readonly Candidate[],
): string {
  const autoloaded = fitting.filter(({ section }) => !section.startsWith('?'));
  const [only, ...others] = autoloaded.length > 0 ? autoloaded : fitting;
  if (only !== undefined && others.length === 0) return only.name;
  const listed = (candidates: readonly Candidate[]) =>
    candidates.map(({ name, section }) => `${name} in SEC("${section}")`).join(', ');
  if (only === undefined) {
    const hint = all.length === 0 ? {} : { hint: `there are: ${listed(all)}` };
    throw usageError('attach-program', `${object.name}: no program is for ${kind}`, hint);
  }
  throw usageError('attach-program', `${object.name}: several programs are for ${kind}`, {
    hint: `name one, as FILE:PROGRAM: ${fitting.map(({ name }) => name).join(', ')}`,
  });
}

function unsuitable(
  object: BpfObject,
  { kind }: HookRequest,
  all: readonly Candidate[],
  wanted: string,
): RootletError {
  const found = all.find(({ name }) => name === wanted);
  if (found === undefined) {
    return usageError('attach-program', `${object.name}: there is no program ${quote(wanted)}`, {
      hint: available(
        'there are',
        all.map(({ name }) => name),
      ),
    });
  }
  return usageError(
    'attach-program',
    `program ${quote(wanted)} in SEC(${quote(found.section)}) is not for ${kind}`,
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
