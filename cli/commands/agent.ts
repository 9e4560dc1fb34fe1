/** `rootlet agent`: makes this host what a fleet states. What it does is in cli/fleet/, which only it loads. */

import { buildCommand, numberParser } from '@stricli/core';
import { ETCD_FLAGS } from '../flags/fleet.ts';
import type { AgentFlags } from '../flags/fleet-commands.ts';
import { off, text } from '../flags/kinds.ts';
import { STORE_FLAGS } from '../flags/loading.ts';
import { POLICY_FLAGS, REGISTRY_FLAGS } from '../flags/registry.ts';
import { type Context, guarded } from '../io/context.ts';

export const agentCommand = buildCommand<AgentFlags, [], Context>({
  docs: {
    brief: 'Run on this host what its fleet states',
    fullDescription:
      'Follow the desired state of a fleet: fetch objects, check them, try them with a sample of packets, and switch hooks ' +
      'atomically. What runs stays when etcd or the registry is away, and when the agent ends.',
  },
  parameters: {
    flags: {
      host: { ...text, brief: 'Name of this host (default: its host name)', placeholder: 'NAME' },
      label: {
        ...text,
        variadic: true,
        brief: 'A label of this host; may be repeated',
        placeholder: 'NAME=VALUE',
      },
      state: {
        kind: 'parsed',
        parse: String,
        default: '/var/lib/rootlet',
        brief: 'Keep the last good revision and objects in this directory',
        placeholder: 'DIR',
      },
      sample: {
        ...text,
        brief: 'Try each revision with the packets of this capture first',
        placeholder: 'PCAP',
      },
      sampleDrop: {
        ...text,
        brief: 'Share of these packets that a revision may drop in addition (default: 10%)',
        placeholder: 'SHARE',
      },
      lease: {
        kind: 'parsed',
        parse: numberParser,
        default: '15',
        brief: 'The host counts as gone after SECONDS without a sign of life',
        placeholder: 'SECONDS',
      },
      report: {
        kind: 'parsed',
        parse: numberParser,
        default: '30',
        brief: 'Report rates every SECONDS',
        placeholder: 'SECONDS',
      },
      ...POLICY_FLAGS,
      ...REGISTRY_FLAGS,
      ...ETCD_FLAGS,
      ...STORE_FLAGS,
      installUnit: { ...off, brief: 'Print a systemd unit that runs the agent with these options' },
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, false, async () => (await import('../fleet/agent.ts')).agent(this, flags));
  },
});
