/**
 * The problem of a record that another version wrote. Separate because state and settings are decoded apart.
 */

import { inputError, type RootletError } from '../diag/index.ts';

/** `what`: the part of the record. Of code `state-record`. */
export function unreadable(what: 'state' | 'settings' | 'optimization'): RootletError {
  return inputError('state-record', [], `the ${what} in the record cannot be read`, {
    hint: 'the entry was written by another version of rootlet: use that one, or detach and attach it again',
  });
}
