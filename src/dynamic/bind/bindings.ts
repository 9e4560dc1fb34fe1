/** Bindings as they are recorded and shown: extern, definition, back end, reason. */

import { quote } from '../../diag/index.ts';

/**
 * How calls of a loaded function are bound. `ext`: function replacement (since Linux 5.10); `tail`: a
 * tail-call slot; `copy`: the code is copied into the consumer. `ext` and `tail` share one code and its
 * state, `copy` the state.
 */
export type BindingBackEnd = 'ext' | 'tail' | 'copy';
/** What one extern is bound to, how, and why so. */
export interface Binding {
  readonly extern: string;
  readonly kind: 'function' | 'variable' | 'map';
  /** Name of the provider; '' when nothing is bound. */
  readonly provider: string;
  /** Name there. */
  readonly target: string;
  /** `share`: a variable or map of the provider, used in place. `none`: nothing is bound yet. */
  readonly via: BindingBackEnd | 'share' | 'none';
  readonly reason: string;
  /** What named the provider: an option, a declaration tag, `against`, or a search of all that is loaded. */
  readonly by: 'request' | 'tag' | 'named' | 'registered' | 'provider';
  /** Owner of the extern: '' for the consumer, else a provider whose code was copied in. */
  readonly of: string;
  /**
   * `tail`: where the slot is. `ext`: which selector; the array is '' then.
   * @internal
   */
  readonly slot: BindingSlot | null;
}

export interface BindingSlot {
  /** Map of the consumer's load that is the program array. */
  readonly array: string;
  readonly entry: number;
  /** Kind of the programs that call through it, as text and numbers. */
  readonly kind: string;
  readonly progType: number;
  readonly attachType: number;
  readonly flags: number;
  /** The array is the consumer's own: it was loaded before there was a provider. */
  readonly own: boolean;
}

/** One line of text: `foo = first:foo by tail (code and state shared through a tail-call slot)`. */
export function describeBinding(binding: Binding): string {
  const { extern, provider, target, via, reason, of } = binding;
  const name = of === '' ? extern : `${extern} of ${of}`;
  if (via === 'none') return `${name} is not bound (${reason})`;
  const how = via === 'share' ? 'in place' : `by ${via}`;
  if (provider === '') return `${name} waits for an object that defines ${quote(target)}, ${how} (${reason})`;
  return `${name} = ${provider}:${target} ${how} (${reason})`;
}
