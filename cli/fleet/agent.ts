/** The body of `rootlet agent`. */

import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { joinLines, usageError } from '../../src/diag/index.ts';
import {
  ChainHost,
  FleetKeys,
  isKeyWord,
  MemoryFile,
  ObjectCache,
  parseLabels,
  parseShare,
  requireWord,
  runAgent,
} from '../../src/fleet/index.ts';
import { FileLock, openSys } from '../../src/kernel/index.ts';
import { chainContext } from '../commands/chain/hook.ts';
import type { AgentFlags } from '../flags/fleet-commands.ts';
import { agentUnit } from '../format/agent-unit.ts';
import { type Context, print, tellLine } from '../io/context.ts';
import { Stop } from '../io/stop.ts';
import { captureSource } from '../run/capture.ts';
import { openEtcd } from './context.ts';
import { openRegistry, requirePolicy } from './registry.ts';

export async function agent(context: Context, flags: AgentFlags): Promise<void> {
  const labels = parseLabels(flags.label);
  const host = hostOf(flags);
  const keys = new FleetKeys(flags.fleet);
  requireSeconds('--lease', flags.lease, 2, 3_600);
  requireSeconds('--report', flags.report, 1, 86_400);
  const policy = requirePolicy(flags);
  const sample = sampleOf(flags);
  using etcd = openEtcd(context, flags);
  if (flags.installUnit) {
    print(context, joinLines(unitOf().split('\n')));
    return;
  }
  mkdirSync(flags.state, { recursive: true, mode: 0o700 });
  using _lock = FileLock.take(openSys({ requireRights: true }), flags.state);
  using registry = openRegistry(flags);
  using stop = new Stop();
  const end = new AbortController();
  const running = runAgent(
    {
      ...{ host, labels, keys, etcd, lease: flags.lease, report: flags.report },
      objects: { registry, policy, cache: new ObjectCache(join(flags.state, 'objects')) },
      kernel: new ChainHost(() => chainContext(context, flags, true), {
        sample,
        window: flags.report * 2_000,
      }),
      memory: new MemoryFile(flags.state),
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      log: line => tellLine(context, `rootlet: ${line}`),
    },
    end.signal,
  );
  await Promise.race([running, stop.ended()]);
  end.abort();
  await running;
}

/** With the options of this command line. */
function unitOf(): string {
  const [node = '', script = '', , ...options] = process.argv;
  return agentUnit([node, resolve(script)], options);
}

/** Throws `fleet-option`. */
function hostOf({ host }: AgentFlags): string {
  if (host !== undefined) requireWord('the name of a host', host);
  else if (!isKeyWord(hostname()))
    throw usageError('fleet-option', 'the host name of this machine cannot be a name in the fleet', {
      hint: '--host NAME gives it another one',
    });
  return host ?? hostname();
}

function requireSeconds(option: string, seconds: number, least: number, most: number): void {
  if (Number.isInteger(seconds) && seconds >= least && seconds <= most) return;
  throw usageError(
    'fleet-option',
    `${option} ${seconds} is not a number of seconds from ${least} to ${most}`,
  );
}

function sampleOf({ sample, sampleDrop = '10%' }: AgentFlags) {
  if (sample === undefined) return undefined;
  const mostDropped = parseShare('--sample-drop', sampleDrop);
  return { mostDropped, packets: () => captureSource(sample).packets() };
}
