/** Simulated agents, as a process of its own: the protocol is real, the kernel is not. Prints how much memory it has. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAgent } from '../src/fleet/agent/agent.ts';
import { FleetKeys } from '../src/fleet/desired/keys.ts';
import { Etcd } from '../src/fleet/etcd/client.ts';
import { ObjectCache } from '../src/fleet/objects/cache.ts';
import { ANY_SIGNATURE } from '../src/fleet/objects/policy.ts';
import { ObjectRegistry } from '../src/fleet/objects/registry.ts';
import { SimulatedHost, SimulatedMemory } from '../src/fleet/testing.ts';

const [url = '', registryName = '', fleet = '', from = '0', count = '0', report = '30', lease = '30'] =
  process.argv.slice(2);
const registry = new ObjectRegistry({ plainHttp: [registryName] });
const end = new AbortController();

/** Half a second to a second and a half: as long as a chain of a few members takes. */
const delay = (): number => 500 + Math.random() * 1000;

const agents = Array.from({ length: Number(count) }, (_, at) => {
  const host = `sim-${Number(from) + at}`;
  return runAgent(
    {
      ...{ host, labels: new Map([['role', 'edge']]), keys: new FleetKeys(fleet), boot: 'b' },
      etcd: new Etcd({ endpoints: [url], timeout: 30_000 }),
      // each host has a cache of its own, which is empty at first
      objects: {
        registry,
        policy: ANY_SIGNATURE,
        cache: new ObjectCache(join(tmpdir(), `rootlet-sim-${process.pid}`, host)),
      },
      ...{ kernel: new SimulatedHost({ delay }), memory: new SimulatedMemory(host) },
      ...{ report: Number(report), lease: Number(lease) },
    },
    end.signal,
  );
});

process.on('SIGTERM', () => {
  const { rss, heapUsed } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ rss, heapUsed })}\n`);
  end.abort();
});

await Promise.allSettled(agents);
process.exit();
