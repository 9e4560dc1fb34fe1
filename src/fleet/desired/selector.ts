/** Labels of hosts, and which hosts a document is about. */

import { createHash } from 'node:crypto';
import type { HostSelector } from '../../chain/index.ts';
import { quote, usageError } from '../../diag/index.ts';

/** Labels of a host: values by name. */
export type Labels = ReadonlyMap<string, string>;

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
export const MOST_LABELS = 64;

/** `role=edge`, each. Throws `fleet-label`. */
export function parseLabels(words: readonly string[] = []): Labels {
  const labels = new Map(words.map(parseLabel));
  if (labels.size === words.length && labels.size <= MOST_LABELS) return labels;
  throw usageError('fleet-label', `a label is given twice, or there are more than ${MOST_LABELS}`, {
    hint: 'each label has one value',
  });
}

function parseLabel(word: string): readonly [string, string] {
  const at = word.indexOf('=');
  const [name, value] = [word.slice(0, Math.max(at, 0)), word.slice(at + 1)];
  if (NAME.test(name) && VALUE.test(value)) return [name, value];
  throw usageError('fleet-label', `${quote(word)} is not a label`, { hint: 'NAME=VALUE, as in role=edge' });
}

/** Whether a document is about a host: every label of its selector has one of the values. */
export function selects(selector: HostSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return true;
  return [...selector].every(([name, values]) => {
    const value = labels.get(name);
    const excluded = values.filter(one => one.startsWith('!')).map(one => one.slice(1));
    const wanted = values.filter(one => !one.startsWith('!'));
    if (value !== undefined && excluded.some(one => one === '*' || one === value)) return false;
    if (wanted.length === 0) return true;
    return value !== undefined && wanted.some(one => one === '*' || one === value);
  });
}

/** Where a host is in the order of a rollout: from 0 up to 1, the same for everyone who computes it. */
export function placeOf(salt: string, host: string): number {
  const digest = createHash('sha256').update(`${salt}\0${host}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}
