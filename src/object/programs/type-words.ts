/**
 * Words for program types: what users give where a section name specifies none, or the wrong one.
 *
 * A word is a section name of libbpf, which is what bpftool takes (`bpftool prog load FILE PIN type xdp`), or
 * the name that the kernel's tools print for the type (`sched_cls`), if it stands for one section. Separate
 * from the table of sections, which describes files and not requests.
 */

import { given } from '../../bytes/index.ts';
import {
  available,
  didYouMean,
  failed,
  ok,
  type Problem,
  problem,
  quote,
  type Result,
  shellWord,
  suggestion,
} from '../../diag/index.ts';
import { progTypeName } from '../../uapi/index.ts';
import {
  knownSectionNames,
  nearSectionNames,
  programTypeOf,
  type SectionInfo,
  suggestSectionName,
} from './section-names.ts';

/** The section name that a word stands for; a problem that lists what may be meant. */
export function sectionOfType(word: string): Result<string> {
  const info = word.startsWith('?') ? undefined : programTypeOf(word);
  if (info !== undefined) return ok(word);
  const named = sectionsOfKernelType(word);
  const [only, ...others] = defaultsAmong(named);
  if (only !== undefined && others.length === 0) return ok(only.section);
  if (named.length > 0) return failed(ambiguous(word, named));
  const plain = word.toLowerCase().replace(/^bpf_prog_type_/, '');
  const isSpelledOut = plain !== word && sectionOfType(plain).ok;
  const near = isSpelledOut ? [plain] : nearSectionNames(word);
  const hint = suggestion(near) ?? didYouMean(word, kernelTypeNames(), EXAMPLES).hint;
  return failed(
    problem('object-program-type', [], `${quote(word)} is not a valid program type`, {
      subject: word,
      ...given({ hint }),
    }),
  );
}

const EXAMPLES = 'types are section names of libbpf: xdp, tc, cgroup_skb/egress, kprobe, tracepoint, …';

function ambiguous(word: string, sections: readonly SectionInfo[]): Problem {
  return problem('object-program-type', [], `${quote(word)} stands for several kinds of programs`, {
    subject: word,
    hint: available(
      'give one of',
      sections.map(({ section }) => section),
    ),
  });
}

/** Rows of the table whose program type has this name in the kernel. */
function sectionsOfKernelType(word: string): SectionInfo[] {
  return sections().filter(({ progType }) => progTypeName(progType) === word);
}

/** Those that say no more than the type; else those that older kernels load as such. */
function defaultsAmong(named: readonly SectionInfo[]): readonly SectionInfo[] {
  // 0 is an attach type as well (cgroup_skb/ingress)
  const plain = named.filter(
    ({ expectedAttachType, flags, attachTypeOptional }) =>
      expectedAttachType === 0 && flags === 0 && !attachTypeOptional,
  );
  if (plain.length > 0) return plain.slice(0, 1);
  const optional = named.filter(({ attachTypeOptional }) => attachTypeOptional);
  return optional.length > 0 ? optional : named;
}

function sections(): SectionInfo[] {
  return knownSectionNames()
    .map(programTypeOf)
    .filter(info => info !== undefined);
}

function kernelTypeNames(): Set<string> {
  return new Set(sections().map(({ progType }) => progTypeName(progType)));
}

/**
 * What to do about a program whose section specifies no type: the section that may be meant, and the options
 * that give the type.
 */
export function typeHint(program: string, section: string): string {
  const plain = section.startsWith('?') ? section.slice(1) : section;
  const known = suggestSectionName(section);
  const near = known === undefined ? nearSectionNames(plain) : [known];
  const meant = near.length === 0 ? '' : `did you mean ${near.map(name => `SEC("${name}")`).join(' or ')}? `;
  const type = near[0] ?? 'TYPE';
  return (
    `${meant}--type ${program}=${type} specifies the type; ` +
    `"rootlet link --rename-section ${shellWord(section)}=${type}" changes the object`
  );
}
