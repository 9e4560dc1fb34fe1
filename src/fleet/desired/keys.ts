/**
 * The layout of keys in etcd, and nothing else that is read or written there (docs/fleet.md):
 *
 *     /rootlet/v1/FLEET/desired/target            which revision which hosts run
 *                              /head              number of the newest revision
 *                              /revisions/NUMBER  a revision, never changed
 *                              /drained/HOST      there: the host runs nothing
 *                      /hosts/HOST/status         what the host runs; stays when the host is gone
 *                                 /alive          there as long as its agent runs
 *                      /rollout/state             the newest rollout
 *                              /leader            there as long as a process leads it
 */

import { usageError } from '../../diag/index.ts';

const ROOT = '/rootlet/v1';
const WORD = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/;

/** Whether a text can be the name of a fleet or of a host: it is a part of keys. */
export function isKeyWord(text: string): boolean {
  return WORD.test(text);
}

/** Keys of one fleet in etcd; docs/fleet.md has the layout. */
export class FleetKeys {
  readonly root: string;

  /** Throws `fleet-option`. */
  constructor(fleet: string) {
    requireWord('the name of a fleet', fleet);
    this.root = `${ROOT}/${fleet}`;
  }

  /** @internal */
  get target(): string {
    return `${this.root}/desired/target`;
  }

  /** @internal */
  get head(): string {
    return `${this.root}/desired/head`;
  }

  /** @internal */
  get revisions(): string {
    return `${this.root}/desired/revisions/`;
  }

  /** In the order of numbers. */
  revision(number: number): string {
    return `${this.revisions}${String(number).padStart(10, '0')}`;
  }

  /** @internal */
  get allDrained(): string {
    return `${this.root}/desired/drained/`;
  }

  /** There while a host is drained. */
  drained(host: string): string {
    return `${this.allDrained}${host}`;
  }

  /** @internal */
  get hosts(): string {
    return `${this.root}/hosts/`;
  }

  /** What a host reports. */
  status(host: string): string {
    return `${this.hosts}${host}/status`;
  }

  /** There while the agent of a host runs. */
  alive(host: string): string {
    return `${this.hosts}${host}/alive`;
  }

  /** @internal */
  get rollout(): string {
    return `${this.root}/rollout/state`;
  }

  /** @internal */
  get leader(): string {
    return `${this.root}/rollout/leader`;
  }
}

/** Throws `fleet-option`. */
export function requireWord(what: string, text: string): void {
  if (isKeyWord(text)) return;
  throw usageError('fleet-option', `${JSON.stringify(text.slice(0, 200))} is not ${what}`, {
    hint: 'at most 128 letters, digits, ".", "_" and "-"',
  });
}
