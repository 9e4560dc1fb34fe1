import { expect, test } from 'vitest';
import { capabilitiesOf, missingRights } from './rights.ts';

const status = (bits: bigint) => `Name:\tnode\nCapEff:\t${bits.toString(16).padStart(16, '0')}\nCapBnd:\t0\n`;
const NET_ADMIN = 1n << 12n;
const SYS_ADMIN = 1n << 21n;
const BPF = 1n << 39n;

test.each([
  ['nothing', 0n, { bpf: false, netAdmin: false, perfmon: false, sysAdmin: false }],
  ['CAP_BPF alone', BPF, { bpf: true, netAdmin: false, perfmon: false, sysAdmin: false }],
  ['CAP_SYS_ADMIN', SYS_ADMIN, { bpf: true, netAdmin: false, perfmon: true, sysAdmin: true }],
  ['everything', (1n << 41n) - 1n, { bpf: true, netAdmin: true, perfmon: true, sysAdmin: true }],
])('capabilities: %s', (_, bits, expected) => {
  expect(capabilitiesOf(status(bits))).toEqual(expected);
});

test('what is missing is named, with the sysctl', () => {
  const { reason } = missingRights(status(NET_ADMIN), '2\n');
  expect(reason).toContain('CAP_BPF missing');
  expect(reason).toContain('unprivileged_bpf_disabled is 2');
  expect(missingRights(status(0n), '').reason).toContain('CAP_BPF and CAP_NET_ADMIN missing');
});

test('refused with all capabilities: it is not them', () => {
  expect(missingRights(status(BPF | NET_ADMIN), '2').hint).toContain('user namespace');
});

test('a status text without the line means no capabilities', () => {
  expect(capabilitiesOf('')).toMatchObject({ bpf: false, netAdmin: false, perfmon: false, sysAdmin: false });
  expect(capabilitiesOf('CapEff:\tzz')).toMatchObject({
    bpf: false,
    netAdmin: false,
    perfmon: false,
    sysAdmin: false,
  });
});
