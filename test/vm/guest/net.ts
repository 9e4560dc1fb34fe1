/** Two network namespaces with a wire between them, and packets to send over it. */

import { execFileSync } from 'node:child_process';
import { inNetns } from '../../../src/kernel/sys/netns.ts';
import { sys } from './kernel.ts';

const MAC = { near: '02:00:00:00:00:01', far: '02:00:00:00:00:02' } as const;

/** The near end is interface `near` (10.77.0.1), the far one `far` (10.77.0.2), each in its own namespace. */
export interface Wire {
  /** Runs in the near namespace. */
  inside<T>(body: () => T): T;
  /** Runs in the far namespace. */
  beyond<T>(body: () => T): T;
  /** Sends UDP packets to port 9 from the far end to the near one. They have arrived when it returns. */
  send(packets: number): void;
  /** The same from the near end to the far one. */
  reply(packets: number): void;
  close(): void;
  [Symbol.dispose](): void;
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

export function openWire(): Wire {
  const names = { near: `vm-near-${process.pid}`, far: `vm-far-${process.pid}` } as const;
  for (const end of ['near', 'far'] as const) ip('netns', 'add', names[end]);
  ip(
    ...['-n', names.near, 'link', 'add', 'near', 'address', MAC.near, 'type', 'veth'],
    ...['peer', 'name', 'far', 'address', MAC.far, 'netns', names.far],
  );
  for (const [end, other, own, peer] of [
    ['near', 'far', '10.77.0.1', '10.77.0.2'],
    ['far', 'near', '10.77.0.2', '10.77.0.1'],
  ] as const) {
    ip('-n', names[end], 'link', 'set', end, 'addrgenmode', 'none'); // no IPv6: nothing but what a test sends
    ip('-n', names[end], 'addr', 'add', `${own}/24`, 'dev', end);
    ip('-n', names[end], 'link', 'set', end, 'up');
    ip('-n', names[end], 'neigh', 'add', peer, 'lladdr', MAC[other], 'dev', end); // no questions on the wire
  }
  const sendFrom = (end: 'near' | 'far', to: string, packets: number): void => {
    const script = `for ((i = 0; i < ${packets}; i++)); do echo x >/dev/udp/${to}/9; done`;
    execFileSync('ip', ['netns', 'exec', names[end], 'bash', '-c', script], { stdio: 'pipe' });
  };
  const close = (): void => {
    for (const name of Object.values(names)) ip('netns', 'del', name);
  };
  return {
    inside: body => inNetns(sys, `/run/netns/${names.near}`, body),
    beyond: body => inNetns(sys, `/run/netns/${names.far}`, body),
    send: packets => sendFrom('far', '10.77.0.1', packets),
    reply: packets => sendFrom('near', '10.77.0.2', packets),
    close,
    [Symbol.dispose]: close,
  };
}
