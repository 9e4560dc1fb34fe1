/** Names of pins that belong to slots and replacements, as listings show them. */

import { expect, test } from 'vitest';
import { describePin, pinNames } from './stored.ts';

test.each([
  [pinNames.array('6.37'), 'slots of xdp programs'],
  [pinNames.member('6.37', 'judge'), 'judge (in slots of xdp programs)'],
  [pinNames.replacement('6.37.frags', 'judge'), 'judge (replaces in xdp (fragments) programs)'],
  [pinNames.own('judge'), 'judge (in its own slot)'],
  ['one.o:runs', 'one.o:runs'],
  ['main', 'main'],
])('pin %s', (name, words) => expect(describePin(name)).toBe(words));
