/**
 * State across versions of a provider: which maps of the new version are those of the old one.
 *
 * Equal layouts keep their map, so that no update is lost. Where variables moved, their values are copied by name and
 * type. What cannot be kept is refused, unless the caller says that it may start anew.
 */

import { type Btf, type BtfId, skipModifiers } from '../btf/index.ts';
import { type Problem, quote } from '../diag/index.ts';
import type { Cleanup } from '../load/cleanup.ts';
import type { LoadPlan } from '../load/plan.ts';
import { globalsKind } from '../load/plan-maps.ts';
import type { Provider } from './provider.ts';
import { type Inheritance, inheritState } from './relink-state.ts';

export interface StatePlan {
  /** By name in the plan of the new version. The old maps in it stay open until the cleanup. */
  readonly maps: ReadonlyMap<string, Inheritance>;
  /** What goes without anybody missing it. */
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

/** `fresh`: names of maps, sections and variables that may start anew; `*` for all. */
export function planState(
  plan: LoadPlan,
  old: Provider,
  fresh: ReadonlySet<string>,
  cleanup: Cleanup,
): StatePlan {
  const records = plan.maps.map(({ name }) => ({ map: name, owner: null, original: name }));
  const maps = inheritState(plan, records, record => {
    const map = fresh.has('*') || fresh.has(record.map) ? undefined : old.openMap(record.map);
    return map === undefined ? undefined : { record, map: cleanup.own(map), unchanged: false };
  });
  const notes: string[] = [];
  const problems: Problem[] = [];
  const allowed = (name: string): boolean => fresh.has('*') || fresh.has(name);
  for (const [name, one] of maps) {
    if (one.kind === 'new' && one.differs === true && !allowed(name))
      problems.push(
        lostProblem(
          old.name,
          name,
          globalsKind(name) === undefined ? `map ${quote(name)}` : `section ${quote(name)}`,
          one.reason,
        ),
      );
    if (one.kind !== 'copied') continue;
    problems.push(...copyProblems(plan, old.name, name, one, allowed));
    notes.push(...goneNotes(plan, name, one));
  }
  return { maps, notes, problems };
}

function lostProblem(provider: string, name: string, what: string, reason: string): Problem {
  return {
    code: 'dynamic-state',
    class: 'input',
    where: [provider],
    message: `${what} cannot be kept: ${reason}`,
    hint: `if it may start anew: --fresh ${name}`,
  };
}

type Copied = Extract<Inheritance, { readonly kind: 'copied' }>;

function copyProblems(
  plan: LoadPlan,
  provider: string,
  section: string,
  { lost, variables }: Copied,
  allowed: (name: string) => boolean,
): Problem[] {
  const now = plan.globals.filter(global => global.section === section);
  const changed = lost
    .filter(name => now.some(global => global.name === name) && !allowed(name))
    .map(name => lostProblem(provider, name, `variable ${quote(name)}`, 'its type is another one now'));
  const guarded = variables.flatMap(({ name }) => {
    const type = now.find(global => global.name === name)?.type ?? 0;
    const field = plan.types === null ? undefined : kernelFieldOf(plan.types, type);
    if (field === undefined || allowed(name)) return [];
    const reason = `it moved, and it holds a ${field}, which only the kernel may touch`;
    return [lostProblem(provider, name, `variable ${quote(name)}`, reason)];
  });
  return [...changed, ...guarded];
}

function goneNotes(plan: LoadPlan, section: string, { lost }: Copied): string[] {
  return lost
    .filter(name => !plan.globals.some(global => global.section === section && global.name === name))
    .map(name => `variable ${quote(name)} is gone, and its value with it`);
}

/** Structs in values whose bytes are the kernel's own. */
const KERNEL_FIELDS: ReadonlySet<string> = new Set([
  'bpf_spin_lock',
  'bpf_res_spin_lock',
  'bpf_timer',
  'bpf_wq',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'bpf_refcount',
]);

/** The first such struct in a type, by name. */
function kernelFieldOf(btf: Btf, id: BtfId): string | undefined {
  const seen = new Set<BtfId>([id]);
  for (const current of seen) {
    const bare = current === 0 ? 0 : skipModifiers(btf, current);
    const type = bare === 0 ? undefined : btf.type(bare);
    if (type?.kind === 'var') seen.add(type.type);
    else if (type?.kind === 'array') seen.add(type.element);
    else if (type?.kind === 'struct' || type?.kind === 'union') {
      if (KERNEL_FIELDS.has(type.name)) return type.name;
      for (const member of type.members) seen.add(member.type);
    }
  }
  return undefined;
}
