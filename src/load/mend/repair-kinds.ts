/** Kinds of repairs, and what a note reports about each. Separate from the table, whose rows use them. */

import type { Draft } from './draft.ts';

/** Each kind of repair, and what a note reports about it. */
export const REPAIRS = {
  encoding: 'integers that are more than one of signed, char and bool are one of them',
  'unused-word': 'words that the kind does not use are zero',
  'enum-size': 'enumerations without a size have 4 bytes',
  'array-index': 'array indexes are integers of whole bytes',
  'array-size': 'arrays of more than 4 GiB that only pointers refer to have no elements',
  'odd-element': 'array elements that are not whole bytes are bytes',
  'union-offset': 'unions with members at an offset are structs',
  'member-order': 'members are in the order of their offsets',
  member: 'members at places that the kernel does not describe are bytes',
  result: 'results of a type without a size are void',
  'global-function': 'functions with parameters of a type without a size are static',
  parameter: 'parameters of a type without a size have 8 bytes',
  'function-name': 'functions without a name have one',
  'parameter-name': 'parameters without a name have one',
  variable: 'variables of a type without a size have 1 byte',
  'section-entry': 'variables without bytes of their own have no type',
  'tag-order': 'type tags behind a typedef or qualifier are left out; those of pointers come before it',
  'enumerator-name': 'enumerators without a name have one',
  name: 'names that are not C identifiers are rewritten',
} as const;

export type Repair = keyof typeof REPAIRS;
export type Types = Draft<Repair>;
