/** Settings of a member whose file is replaced: what the new version can have stays, the rest is reported. */

import { InputObject } from '../../object/index.ts';
import { mergeSettings, settingsIn } from '../../state/index.ts';
import type { ChainDesign } from './design.ts';
import type { ChainEdit } from './edit.ts';

/** A new version keeps the settings of the member that it can have. */
export function withSettings(edit: ChainEdit, { members }: ChainDesign): ChainEdit {
  if (edit.kind !== 'replace') return edit;
  const { member, name } = edit;
  const before = members.find(one => one.name === name)?.settings;
  if (before === undefined) return edit;
  const { settings } = settingsIn(InputObject.from(member.file).object, before);
  const given = member.settings;
  return {
    ...edit,
    member: { ...member, settings: given === undefined ? settings : mergeSettings(settings, given) },
  };
}

/** Settings of a replaced member that its new version does not have, one sentence each. */
export function lostSettings(before: ChainDesign, after: ChainDesign, edit: ChainEdit): string[] {
  if (edit.kind !== 'replace') return [];
  const [old, next] = [before, after].map(({ members }) => members.find(({ name }) => name === edit.name));
  if (old === undefined || next === undefined) return [];
  const gone = (
    [
      [old.settings.globals, next.settings.globals],
      [old.settings.maxEntries, next.settings.maxEntries],
    ] as const
  ).flatMap(([had, has]) => [...had.keys()].filter(name => !has.has(name)));
  return gone.map(
    name => `setting dropped: ${edit.name}:${name}: the new version has nothing of this name or type`,
  );
}
