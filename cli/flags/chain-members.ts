/** Members of chains on the command line: `[NAME=]FILE[:PROGRAM][@VERDICT,…]`, with what is given for all of them. */

import { given, valueAt } from '../../src/bytes/index.ts';
import { type MemberRequest, memberName } from '../../src/chain/index.ts';
import { available, quote, usageError } from '../../src/diag/index.ts';
import { assignSettings } from '../../src/dynamic/index.ts';
import { type BpfObject, InputObject, programsOf, sectionNameOf } from '../../src/object/index.ts';
import type { Settings } from '../../src/state/index.ts';
import { type MemberFlags, withoutNone } from './chain.ts';
import { type NamedComponent, parseChainComponent } from './components.ts';
import { LOAD_LIMITS, parseLimits } from './limits.ts';
import { readVersion } from './loading.ts';
import { parseSettings } from './set-values.ts';
import { parseMaxEntries } from './sizes.ts';
import { parseTypes } from './types.ts';

interface NamedMember extends NamedComponent {
  readonly name?: string;
}

/** A name is one that needs no quoting, so that a path with `=` in a directory is none. */
export function parseMember(text: string): NamedMember {
  const found = /^(?<name>[A-Za-z_][\w-]*)=(?<rest>.+)$/s.exec(text)?.groups;
  const { continueOn, ...component } = parseChainComponent(found?.['rest'] ?? text);
  const name = found?.['name'];
  return {
    ...component,
    ...given({ name, continueOn: continueOn === undefined ? undefined : withoutNone(continueOn) }),
  };
}

/**
 * Requests for members, in the order given. Throws what is wrong with the files, and `usage-…`, `load-no-…`,
 * `state-ambiguous` for options that fit none or several of them.
 */
export function memberRequests(
  flags: MemberFlags,
  name: string | undefined,
  texts: readonly string[],
): readonly MemberRequest[] {
  const members = texts.map(parseMember);
  requireFitting(flags, name, members);
  const types = parseTypes(flags.type);
  const limits = parseLimits(flags, LOAD_LIMITS);
  const paths = new Set(members.map(({ file }) => file));
  const files = new Map([...paths].map(path => [path, readVersion([path], limits, types)] as const));
  const requests = members.map(member => requestOf(flags, name, member, valueAt(files, member.file)));
  return withSettings(flags, requests);
}

function requireFitting(
  { prog, section }: MemberFlags,
  name: string | undefined,
  members: readonly NamedMember[],
): void {
  if (prog !== undefined && section !== undefined)
    throw usageError('usage-program', 'give --prog or --section, not both');
  if (name !== undefined && members.length > 1)
    throw usageError('usage-name', `--name names one member, but there are ${members.length} files`, {
      hint: 'name each one: NAME=FILE',
    });
  const named = members.find(member => member.name !== undefined)?.name;
  if (name !== undefined && named !== undefined)
    throw usageError('usage-name', `the member is named twice: ${quote(named)}, and --name ${quote(name)}`, {
      hint: 'give one of them',
    });
  if (members.some(member => member.file === '-' && member.name === undefined && name === undefined))
    throw usageError('usage-name', 'an object from stdin needs a name: --name N');
}

function requestOf(
  flags: MemberFlags,
  name: string | undefined,
  member: NamedMember,
  file: InputObject,
): MemberRequest {
  const inSection = flags.section === undefined ? undefined : programInSection(file.object, flags.section);
  return {
    file,
    ...given({
      name: member.name ?? name,
      program: member.program ?? flags.prog ?? inSection,
      priority: flags.prio === 0 ? undefined : flags.prio,
      continueOn: member.continueOn ?? flags.on?.words ?? undefined,
    }),
  };
}

/** Throws `usage-program` unless exactly one program is in the section. */
function programInSection(object: BpfObject, section: string): string {
  const all = programsOf(object).map(({ program }) => ({ program, in: sectionNameOf(object, program) }));
  const [found, other] = all.filter(one => one.in === section);
  if (found === undefined) {
    const sections = [...new Set(all.map(one => one.in))];
    throw usageError('usage-program', `${object.name}: there is no program in section ${quote(section)}`, {
      hint: available('programs are in', sections),
    });
  }
  if (other === undefined) return found.program.name;
  throw usageError('usage-program', `${object.name}: several programs are in section ${quote(section)}`, {
    hint: 'name one: --prog NAME',
  });
}

/** Each setting belongs to the member that has the variable or map, or is named before it. */
function withSettings(flags: MemberFlags, requests: readonly MemberRequest[]): readonly MemberRequest[] {
  const settings: Settings = {
    globals: flags.set === undefined ? new Map() : parseSettings(flags.set),
    maxEntries: parseMaxEntries(flags.maxEntries),
  };
  const targets = requests.map(request => ({
    owner: memberName(request),
    object: InputObject.from(request.file).object,
    putIn: true,
  }));
  const assigned = assignSettings(settings, targets);
  return requests.map(request => ({ ...request, ...given({ settings: assigned.get(memberName(request)) }) }));
}
