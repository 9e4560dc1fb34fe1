/**
 * Types of programs of a new version whose sections specify none: those of the programs that they replace.
 * Separate, because attached programs, rootlets and loaded objects all take them over.
 */

import { type HookFacts, typesForHook } from '../../hooks/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  programsOf,
  programTypeOf,
  sectionNameOf,
} from '../../object/index.ts';

/** Programs whose section specifies no type. */
export function untypedPrograms(object: BpfObject): FunctionSymbol[] {
  return programsOf(object).flatMap(({ program }) =>
    programTypeOf(sectionNameOf(object, program)) === undefined ? [program] : [],
  );
}

/**
 * Program → section: that of the running program of the same name; for an attached program (`facts`), that of
 * the one on the hook for the program that is meant (`wanted`, else the one of the same name, else the only
 * one).
 */
export function inheritedTypes(
  object: BpfObject,
  running: BpfObject,
  facts: HookFacts | undefined,
  wanted: string | undefined,
): ReadonlyMap<string, string> {
  const before = new Map(
    programsOf(running).flatMap(({ program }) => {
      const section = plainSection(running, program);
      return section === undefined ? [] : [[program.name, section] as const];
    }),
  );
  const types = new Map<string, string>();
  for (const { name } of untypedPrograms(object)) {
    const section = before.get(name);
    if (section !== undefined) types.set(name, section);
  }
  if (facts === undefined) return types;
  const hook = { kind: facts.kind, target: facts.target, place: {} };
  const stays = programsOf(object).some(({ program }) => program.name === facts.program);
  const meant = wanted ?? (stays ? facts.program : undefined);
  return new Map([...types, ...typesForHook(object, hook, meant, before.get(facts.program))]);
}

/** Without `?`; undefined where it specifies no type. */
function plainSection(object: BpfObject, program: FunctionSymbol): string | undefined {
  const section = sectionNameOf(object, program);
  const info = programTypeOf(section);
  if (info === undefined) return undefined;
  return info.autoload ? section : section.slice(1);
}
