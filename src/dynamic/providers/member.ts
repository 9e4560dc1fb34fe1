/**
 * A function of a provider as a program of its own, on the provider's live maps: a member of a tail-call
 * array, or a replacement (freplace). What the provider itself was bound to is copied in.
 */

import { given } from '../../bytes/index.ts';
import { inputError, quote, RootletError, within } from '../../diag/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS } from '../../elf/index.ts';
import { type BpfMap, BpfProgram, type Sys } from '../../kernel/index.ts';
import { type AttachTarget, type LoadOptions, loadObject, type MapPlan } from '../../load/index.ts';
import type { BpfObject, ProgramType, SectionShell } from '../../object/index.ts';
import { BPF_PROG_TYPE_EXT } from '../../uapi/index.ts';
import { compose, type SharedMap } from './compose.ts';
import { findExport } from './exports.ts';
import { liveSizes, mapsOf, withoutStages } from './live-maps.ts';
import type { Provider } from './provider.ts';

/** As what a function is loaded. */
export interface MemberKind {
  readonly type: ProgramType;
  /** Function that it replaces. */
  readonly target?: AttachTarget;
}

/** Options of a load that also hold for the code of providers. */
export type MemberOptions = Pick<
  LoadOptions,
  'btfPath' | 'kernelTypes' | 'kernelFacts' | 'kconfig' | 'logLevel' | 'limits'
>;

/**
 * Those of a load's options; the others (values, sizes, pins, selections) are for the object that was asked
 * for.
 */
export function memberOptionsOf(options: MemberOptions): MemberOptions {
  const { btfPath, kernelTypes, kernelFacts, kconfig, logLevel, limits } = options;
  return given({ btfPath, kernelTypes, kernelFacts, kconfig, logLevel, limits });
}

const MEMBER_SECTION: SectionShell = {
  name: 'rootlet/member',
  type: SHT_PROGBITS,
  flags: SHF_ALLOC | SHF_EXECINSTR,
  align: 8,
  entsize: 0,
  role: 'code',
};

/** Type of a program that replaces a function. */
export const REPLACEMENT_TYPE: ProgramType = {
  progType: BPF_PROG_TYPE_EXT,
  expectedAttachType: 0,
  flags: 0,
  attachBtf: true,
  attachTypeOptional: false,
};

/** Loads function `name` of a provider with all that it needs. Owned by the caller. */
export function loadMember(
  sys: Sys,
  provider: Provider,
  name: string,
  kind: MemberKind,
  options: MemberOptions = {},
): BpfProgram {
  const object = withEntry(withoutStages(provider.object), name);
  const composed = compose(object, ownJoins(provider));
  if (composed.problems.length > 0) throw new RootletError(composed.problems);
  return within(`function ${quote(name)} of ${quote(provider.name)}`, () => {
    const loaded = loadObject(composed.object, sys, {
      ...options,
      pinRoot: null,
      programs: program => program === name,
      typeOf: () => kind.type,
      maxEntries: liveSizes([...mapsOf(provider), ...composed.shared], undefined),
      reuse: plan => openShared(composed.shared, plan) ?? openOwn(provider, plan),
      ...(kind.target === undefined ? {} : { targets: new Map([[name, kind.target]]) }),
    });
    try {
      const program = loaded.program(name);
      return new BpfProgram(sys, program.fd.duplicate(), name, program.type);
    } finally {
      loaded.close();
    }
  });
}

/** What a provider was bound to when it was loaded, as joins of its own object. */
export function ownJoins(provider: Provider) {
  return provider.imports.flatMap(({ extern, provider: imported, target }) => {
    const found = findExport(imported.object, target);
    return found === undefined ? [] : [{ extern, provider: imported, target: found.index }];
  });
}

/**
 * The live map that represents a planned one of a composed object; undefined for maps of the consumer's own.
 */
export function openShared(shared: ReadonlyMap<string, SharedMap>, plan: MapPlan): BpfMap | undefined {
  const found = shared.get(plan.name);
  return found === undefined ? undefined : openOwn(found.provider, { name: found.name });
}

function openOwn(provider: Provider, { name }: Pick<MapPlan, 'name'>): BpfMap {
  const map = provider.openMap(name);
  if (map !== undefined) return map;
  throw inputError('dynamic-map-gone', [provider.name], `has no live map ${quote(name)}`, {
    hint: 'load it again with its own object',
  });
}

function withEntry(object: BpfObject, name: string): BpfObject {
  const sections = [...object.sections, MEMBER_SECTION];
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' && symbol.name === name && symbol.binding !== 'local'
      ? { ...symbol, section: sections.length - 1 }
      : symbol,
  );
  return { ...object, sections, symbols };
}
