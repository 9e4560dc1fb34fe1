/** Flags of commands that speak to etcd. What they mean is in cli/fleet/context.ts. */

import { off, text } from './kinds.ts';

export interface EtcdFlags {
  readonly etcd?: string;
  readonly etcdCa?: string;
  readonly etcdCert?: string;
  readonly etcdKey?: string;
  readonly etcdUser?: string;
  readonly fleet: string;
}

export const ETCD_FLAGS = {
  etcd: { ...text, brief: 'Endpoints of etcd (default: $ROOTLET_ETCD)', placeholder: 'URL,...' },
  etcdCa: { ...text, brief: 'Accept certificates of etcd from this authority', placeholder: 'PEM' },
  etcdCert: { ...text, brief: 'Certificate of this client, for etcd', placeholder: 'PEM' },
  etcdKey: { ...text, brief: 'Key of that certificate', placeholder: 'PEM' },
  etcdUser: { ...text, brief: 'File with NAME:PASSWORD of a user of etcd', placeholder: 'FILE' },
  fleet: {
    kind: 'parsed',
    parse: String,
    default: 'default',
    brief: 'Name of the fleet',
    placeholder: 'NAME',
  },
} as const;

/** Commands of `rootlet fleet`. */
export interface FleetFlags extends EtcdFlags {
  readonly json: boolean;
}

export const FLEET_FLAGS = { ...ETCD_FLAGS, json: { ...off, brief: 'Output JSON' } } as const;

/** Who changes something, and why. */
export interface ChangeNoteFlags {
  readonly author?: string;
  readonly message?: string;
}

export const CHANGE_NOTE_FLAGS = {
  author: { ...text, brief: 'Who makes the change (default: the user of this process)', placeholder: 'NAME' },
  message: { ...text, brief: 'Why, for the history', placeholder: 'TEXT' },
} as const;
