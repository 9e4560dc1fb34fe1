// rootlet/test: a firewall on packets that are built for it, without a kernel; in any runner of tests.
import { readFileSync } from 'node:fs';
import { check, createMachine, packets, readObject } from 'rootlet/test';

const name = 'first_firewall.bpf.o';
const object = readObject({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });
const machine = createMachine(object, { coverage: true });

const udp = { source: 1024, destination: 53 };
const from = source =>
  packets.build({ ipv4: { source, destination: '198.51.100.7' }, udp, payload: 'hello' });

check.run(machine, from('192.0.2.66'), { verdict: 'drop' }); // blocked by default
check.run(machine, from('192.0.2.1'), { verdict: 'pass', packet: from('192.0.2.1') });
check.value(machine.globals.drops, 1);
try {
  check.run(machine, from('192.0.2.1'), { verdict: 'drop' });
} catch (error) {
  console.log(error.message);
}
//> verdict differs:
//>   PASS (2), expected DROP

const traffic = packets.fromCapture(readFileSync(new URL('../traffic.pcap', import.meta.url)));
for (const { bytes, timestamp } of traffic) machine.run(bytes, { timestamp });

// which lines of the C source ran; lcov() is the file that genhtml and coverage services read
const { files, lcov } = machine.coverage();
console.log(files.map(file => file.name).join(), lcov('firewall').split('\n')[0]);
//> first_firewall.bpf.c,packet.h TN:firewall
machine.close();
