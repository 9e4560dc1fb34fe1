/** Addresses of packets from their text. */

import { quote, usageError } from '../../diag/index.ts';

/** `02:00:00:00:00:01` */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) throw refused('an Ethernet address', text);
  return Uint8Array.from(text.split(':'), part => Number.parseInt(part, 16));
}

/** `192.0.2.1` */
export function parseIpv4(text: string): Uint8Array {
  const parts = text.split('.');
  const valid =
    parts.length === 4 && parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  if (!valid) throw refused('an IPv4 address', text);
  return Uint8Array.from(parts, Number);
}

/** `2001:db8::1`, and `::ffff:192.0.2.1`. */
export function parseIpv6(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = dotted === null ? text : `${dotted[1]}${groupsOf(parseIpv4(String(dotted[2])))}`;
  const halves = plain.split('::');
  const [head = [], tail = []] = halves.map(half => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  const whole = halves.length === 1 ? missing === 0 : halves.length === 2 && missing > 0;
  const groups = [...head, ...new Array<string>(whole ? missing : 0).fill('0'), ...tail];
  if (!whole || !groups.every(group => /^[0-9a-fA-F]{1,4}$/.test(group)))
    throw refused('an IPv6 address', text);
  return Uint8Array.from(
    groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}

function groupsOf(bytes: Uint8Array): string {
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 4)}:${hex.slice(4)}`;
}

function refused(what: string, text: string): Error {
  return usageError('usage-packet', `${quote(text)} is not ${what}`);
}
