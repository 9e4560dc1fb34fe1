/** Ready examples: objects, what to do with them, and packets. */

import type { GivenFile } from '../messages.ts';
import type { State } from './state.ts';

export interface Example {
  readonly title: string;
  readonly files: readonly string[];
  readonly choose: Partial<Pick<State, 'mode' | 'rootlet' | 'slots' | 'members'>>;
}

const FIRST = { file: 'first_firewall.bpf.o', program: 'xdp_prog1' };
const SECOND = { file: 'second_firewall.bpf.o', program: 'xdp_prog2' };
const MAINS = ['main_a.bpf.o', 'main_b.bpf.o'].map(file => ({ file, program: 'xdp_main' }));

export const EXAMPLES: readonly Example[] = [
  {
    title: 'Two firewalls in the slots of a rootlet',
    files: ['rootlet.bpf.o', FIRST.file, SECOND.file],
    choose: {
      mode: 'relink',
      rootlet: 'rootlet.bpf.o',
      slots: new Map([
        ['dummy1', FIRST],
        ['dummy2', SECOND],
      ]),
    },
  },
  {
    title: 'Four programs in a generated chain',
    files: ['main_a.bpf.o', 'main_b.bpf.o', FIRST.file, SECOND.file],
    choose: { mode: 'chain', members: [...MAINS, FIRST, SECOND] },
  },
  {
    title: 'An extern function, variable and map',
    files: ['first.bpf.o', 'second.bpf.o'],
    choose: { mode: 'link' },
  },
  {
    title: 'Two strong definitions of one name: refused',
    files: [FIRST.file, SECOND.file],
    choose: { mode: 'link' },
  },
];

/** Of packets with headers only; they are those of the capture. */
export const PACKETS: readonly (readonly [title: string, digits: string])[] = [
  [
    'UDP from 192.0.2.66',
    '00005e005301 00005e005302 0800 4500003c1234400040113c06c0000242c6336401 9c40003500280000 6162636465666768696a6b6c6d6e6f7071727374757677787961626364656667',
  ],
  [
    'TCP to port 6000',
    '00005e005301 00005e005302 0800 45000034123440004006c250cb00710ac6336401 a028177000001000000000005002faf000000000 6162636465666768696a6b6c',
  ],
  [
    'TCP to port 443',
    '00005e005301 00005e005302 0800 45000034123440004006c250cb00710ac6336401 a02801bb00001000000000005002faf000000000 6162636465666768696a6b6c',
  ],
  [
    'ARP',
    '00005e005301 00005e005302 0806 000108000604000100005e005302cb00710a000000000000c6336401 000000000000000000000000000000000000',
  ],
];

export const CAPTURE = 'traffic.pcap';

export async function exampleFile(name: string): Promise<GivenFile> {
  const response = await fetch(`examples/${name}`);
  if (!response.ok) throw new Error(`${name} cannot be read: ${response.status}`);
  return { name, bytes: new Uint8Array(await response.arrayBuffer()) };
}
