/** Objects and packets that several tests of the virtual machine use. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RootletError } from '../../../src/diag/problem.ts';
import { type RelinkResult, relink } from '../../../src/link/relink.ts';
import { type ChainComponent, relinkChain } from '../../../src/link/relink-chain.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { CaptureDecoder } from '../../../src/vm/capture/decoder.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));

export function exampleFile(name: string): { readonly name: string; readonly bytes: Uint8Array } {
  return { name: `${name}.bpf.o`, bytes: readFileSync(`${EXAMPLES}obj/el/${name}.bpf.o`) };
}

export function example(name: string): BpfObject {
  const { bytes, name: file } = exampleFile(name);
  return readObject({ name: file, bytes });
}

/** An object of `test/vm/programs`. */
export function vmObject(name: string): BpfObject {
  const path = fileURLToPath(new URL(`../programs/obj/el/${name}.bpf.o`, import.meta.url));
  return readObject({ name: `${name}.bpf.o`, bytes: readFileSync(path) });
}

/** What another tool would get: written and read again. */
function written(result: RelinkResult): BpfObject {
  if (!result.ok) throw new RootletError(result.problems);
  return readObject({ name: 'relinked.o', bytes: writeObject(result.object) });
}

/** The founding example: the rootlet with both firewalls in its slots. */
export function relinkedExample(): BpfObject {
  return written(
    relink(exampleFile('rootlet'), [
      { slot: 'dummy1', component: exampleFile('first_firewall') },
      { slot: 'dummy2', component: exampleFile('second_firewall') },
    ]),
  );
}

/** A chain without a rootlet of its own. */
export function chainOf(components: readonly ChainComponent[]): BpfObject {
  return written(relinkChain(components));
}

/** The packets of examples/traffic.pcap. */
export function capturedPackets(): Uint8Array[] {
  const decoder = new CaptureDecoder('traffic.pcap');
  decoder.push(readFileSync(`${EXAMPLES}traffic.pcap`));
  const packets: Uint8Array[] = [];
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next())
    packets.push(packet.bytes.slice(packet.offset, packet.offset + packet.length));
  return packets;
}
