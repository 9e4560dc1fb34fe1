/** What the flags of etcd mean: the client, and the fleet in it. */

import { userInfo } from 'node:os';
import { inputError, quote, usageError } from '../../src/diag/index.ts';
import { Etcd, type FleetContext, FleetKeys } from '../../src/fleet/index.ts';
import type { ChangeNoteFlags, EtcdFlags } from '../flags/fleet.ts';
import type { Context } from '../io/context.ts';
import { textOf, tlsOf } from './registry.ts';

/** Runs `body` with a connection that is closed afterwards. */
export async function withFleet<T>(
  context: Context,
  flags: EtcdFlags,
  body: (fleet: FleetContext) => Promise<T>,
): Promise<T> {
  const keys = new FleetKeys(flags.fleet);
  using etcd = openEtcd(context, flags);
  return await body({ etcd, keys });
}

/** Throws `fleet-option`. */
export function openEtcd({ process }: Context, flags: EtcdFlags): Etcd {
  const { ROOTLET_ETCD: fromEnvironment = '' } = process.env ?? {};
  const endpoints = (flags.etcd ?? fromEnvironment)
    .split(',')
    .filter(one => one !== '')
    .map(endpointOf);
  if (endpoints.length === 0)
    throw usageError('fleet-option', 'no etcd is named', {
      hint: '--etcd URL, or $ROOTLET_ETCD, as in --etcd https://etcd.example.com:2379',
    });
  const tls = tlsOf(flags.etcdCa, flags.etcdCert, flags.etcdKey, 'etcd');
  const user = flags.etcdUser === undefined ? undefined : userIn(flags.etcdUser);
  return new Etcd({ endpoints, tls, user });
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && (url.pathname === '/' || url.pathname === '') && url.username === '';
  if (isPlain && (url.protocol === 'http:' || url.protocol === 'https:')) return url.origin;
  throw usageError('fleet-option', `${quote(text)} is not an endpoint of etcd`, {
    hint: 'as in --etcd https://etcd.example.com:2379',
  });
}

function userIn(path: string) {
  const text = textOf(path).replace(/\r?\n$/, '');
  const at = text.indexOf(':');
  if (at > 0 && at < text.length - 1) return { name: text.slice(0, at), password: text.slice(at + 1) };
  throw inputError('oci-credentials', [path], 'does not have the form NAME:PASSWORD', {
    hint: '--etcd-user FILE names a file with one line NAME:PASSWORD',
  });
}

/** Who makes a change. */
export function noteOf({ author, message = '' }: ChangeNoteFlags) {
  return { author: author ?? userInfo().username, message, time: Date.now() };
}
