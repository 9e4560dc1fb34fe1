/** What `rootlet set` did, as text and as data. */

import { type DecodedValue, decodeValue, valueJson, valueText } from '../../src/btf/index.ts';
import { given } from '../../src/bytes/index.ts';
import { entrySettings, partOf, pathText, type SetOutcome, settingName } from '../../src/dynamic/index.ts';
import { HOST_ORDER } from '../../src/kernel/index.ts';
import { entryOf } from './entry-values.ts';
import { settingText as recordedText } from './inventory.ts';

function valueIn({ variable, path }: SetOutcome, bytes: Uint8Array): DecodedValue {
  const { in: map, type, name } = variable;
  const btf = map.types === undefined ? null : map.types.btf;
  return partOf(name, decodeValue(btf, type, bytes, HOST_ORDER), path);
}

/** `edge.cfg.burst: 10 -> 20` */
export function settingText(outcome: SetOutcome, dryRun: boolean): string {
  const { view, before, after } = outcome;
  const change = `${valueText(valueIn(outcome, before))} -> ${valueText(valueIn(outcome, after))}`;
  return `${dryRun ? 'would set ' : ''}${view.entry.name}.${settingName(outcome)}: ${change}`;
}

export function settingJson(outcome: SetOutcome): Readonly<Record<string, unknown>> {
  const { view, variable, path, before, after, shares } = outcome;
  return {
    entry: entryOf(view),
    variable: variable.name,
    ...given({ part: path.length === 0 ? undefined : pathText(path) }),
    before: valueJson(valueIn(outcome, before)),
    after: valueJson(valueIn(outcome, after)),
    shares,
    recorded: recordedOf(outcome) ?? null,
  };
}

/** The setting of the variable in the record of its entry, as it is given on a command line. */
function recordedOf({ view, variable }: SetOutcome): string | undefined {
  const { component, variable: name, section } = variable;
  const found = entrySettings(view.entry).find(
    one =>
      one.kind === 'variable' &&
      one.component === component &&
      (one.name === name || one.name === `${section}:${name}`),
  );
  return found === undefined ? undefined : recordedText(found.value);
}

/** What an operator should know of values that are changed while programs run. */
export function settingNotes(outcomes: readonly SetOutcome[]): string[] {
  return [...new Set(outcomes.flatMap(notesOf)), ...firstNote(outcomes)];
}

function notesOf(outcome: SetOutcome): string[] {
  const { shares, variable } = outcome;
  const recorded = recordedOf(outcome);
  return [
    ...(recorded === undefined ? [] : [`the recorded setting of ${variable.name} stays ${recorded}`]),
    ...(shares === 'section'
      ? [`${variable.section} was written as a whole: what a program wrote there at that moment may be lost`]
      : []),
    ...(shares === 'byte'
      ? [
          `${settingName(outcome)} shares bytes with other bit fields: what a program wrote there at that moment may be lost`,
        ]
      : []),
  ];
}

function firstNote([first]: readonly SetOutcome[]): string[] {
  if (first === undefined) return [];
  const { view, variable } = first;
  return [
    `set changes running values only; "rootlet replace ${view.entry.name} --set ${variable.name}=VALUE" records one`,
  ];
}
