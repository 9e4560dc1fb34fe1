// rootlet/vm: a firewall on the packets of a capture, without a kernel.
import { readFileSync } from 'node:fs';
import { readObject } from 'rootlet/object';
import { CaptureDecoder, createMachine, formatMapContents } from 'rootlet/vm';

const name = 'first_firewall.bpf.o';
const object = readObject({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });
const machine = createMachine(object);

const capture = new CaptureDecoder('traffic.pcap');
capture.push(readFileSync(new URL('../traffic.pcap', import.meta.url)));
const verdicts = new Map();
for (let packet = capture.next(); packet !== undefined; packet = capture.next()) {
  const { verdict } = machine.runRange(packet.bytes, packet.offset, packet.length);
  verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
}
capture.end(); // throws for what is not a capture; returns what is wrong with its end
console.log([...verdicts].sort().join(' ')); // verdict,packets: XDP_DROP and XDP_PASS
//> 1,6 2,29
console.log(formatMapContents(object, machine.map('rules')).split('\n')[0]);
//> rules (hash, __be32 → struct rule):
machine.close();
