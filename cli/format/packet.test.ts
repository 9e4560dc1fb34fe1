import { expect, test } from 'vitest';
import { packetText } from './packet.ts';

const MACS = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
const IPV4 = [0x45, 0, 0, 40, 0, 0, 0, 0, 64];
const ENDS = [0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
const of = (...bytes: readonly number[]): string => packetText(Uint8Array.from([...MACS, ...bytes]));

test.each([
  ['UDP', of(8, 0, ...IPV4, 17, ...ENDS, 0, 53, 0, 9), '10.0.0.1:53 > 10.0.0.2:9 UDP'],
  [
    'TCP',
    of(8, 0, ...IPV4, 6, ...ENDS, 1, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x12),
    '10.0.0.1:256 > 10.0.0.2:80 TCP SYN ACK',
  ],
  ['ICMP', of(8, 0, ...IPV4, 1, ...ENDS, 8, 0, 0, 0), '10.0.0.1 > 10.0.0.2 ICMP'],
  [
    'a later fragment',
    of(8, 0, 0x45, 0, 0, 40, 0, 0, 0, 9, 64, 17, ...ENDS, 1, 2, 3, 4),
    '10.0.0.1 > 10.0.0.2 UDP fragment',
  ],
  ['ports that are cut off', of(8, 0, ...IPV4, 17, ...ENDS, 0), '10.0.0.1 > 10.0.0.2 UDP'],
  [
    'a VLAN',
    of(0x81, 0, 0x20, 7, 8, 0, ...IPV4, 17, ...ENDS, 0, 53, 0, 9),
    'vlan 7 10.0.0.1:53 > 10.0.0.2:9 UDP',
  ],
  [
    'ARP',
    of(8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2),
    'ARP who has 10.0.0.2, for 10.0.0.1',
  ],
  ['another type', of(0x88, 0xcc), '02:00:00:00:00:01 > 02:00:00:00:00:02 type 0x88cc'],
  ['a cut header', of(8, 0, 0x45), 'IPv4, cut'],
  ['less than an Ethernet header', packetText(Uint8Array.of(1, 2, 3)), '3 bytes'],
])('%s', (_, text, expected) => {
  expect(text).toBe(expected);
});

test('IPv6 addresses leave out the longest run of zeros', () => {
  const from = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  const to = [0xff, 2, ...new Array<number>(13).fill(0), 0x16];
  expect(of(0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 58, 1, ...from, ...to)).toBe('fe80::1 > ff02::16 ICMPv6');
  expect(of(0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 17, 1, ...from, ...to, 0, 1, 0, 2)).toBe(
    '[fe80::1]:1 > [ff02::16]:2 UDP',
  );
});
