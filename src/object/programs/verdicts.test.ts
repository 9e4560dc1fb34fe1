import { describe, expect, test } from 'vitest';
import * as uapi from '../../uapi/index.ts';
import {
  isDelivered,
  neutralVerdict,
  verdictName,
  verdictOfWord,
  verdictsOf,
  verdictWords,
} from './verdicts.ts';

const { BPF_PROG_TYPE_XDP: XDP, BPF_PROG_TYPE_SCHED_CLS: TC } = uapi;
const { BPF_PROG_TYPE_SOCKET_FILTER: SOCKET, BPF_PROG_TYPE_CGROUP_SKB: CGROUP } = uapi;

describe('verdicts', () => {
  test.each([
    [XDP, 2, 'PASS', true],
    [XDP, 0, 'ABORTED', false],
    [XDP, -1, '4294967295', false],
    [XDP, 5, '5', false],
    [TC, -1, 'UNSPEC', true],
    [TC, 0xffffffff, 'UNSPEC', true],
    [TC, 0, 'OK', true],
    [TC, 1, 'RECLASSIFY', true],
    [TC, 2, 'SHOT', false],
    [TC, 3, 'PIPE', true],
    [TC, 8, 'TRAP', false],
    [TC, 9, '9', false],
    [SOCKET, 0, 'DROP', false],
    [SOCKET, 40, '40 bytes', true],
    [SOCKET, 0xffffffff, 'ALL', true],
    [CGROUP, 0, 'DENY', false],
    [CGROUP, 1, 'ALLOW', true],
    [CGROUP, 2, '2', false],
    [CGROUP, 3, '3', true],
    [uapi.BPF_PROG_TYPE_KPROBE, 7, '7', false],
  ])('of program type %d: %d is printed as %s, delivered: %s', (type, value, printed, delivered) => {
    expect(verdictName(type, value)).toBe(printed);
    expect(isDelivered(type, value)).toBe(delivered);
  });

  test.each([
    [XDP, 2],
    [TC, -1],
    [uapi.BPF_PROG_TYPE_SCHED_ACT, -1],
    [CGROUP, 1],
    [uapi.BPF_PROG_TYPE_SK_MSG, 1],
    [uapi.BPF_PROG_TYPE_NETFILTER, 1],
    [SOCKET, 0],
    [uapi.BPF_PROG_TYPE_LSM, 0],
  ])('the neutral one of program type %d is %d', (type, neutral) => {
    expect(neutralVerdict(type)).toBe(neutral);
  });

  test('words are found in any case, and are those that the table lists', () => {
    expect(verdictOfWord(XDP, 'PASS')).toBe(2);
    expect(verdictOfWord(TC, 'next')).toBe(-1);
    expect(verdictOfWord(SOCKET, 'pass')).toBe('not 0');
    expect(verdictOfWord(XDP, 'ok')).toBeUndefined();
    expect(verdictWords(CGROUP)).toEqual(['drop', 'deny', 'pass', 'allow']);
    expect(verdictWords(uapi.BPF_PROG_TYPE_SOCK_OPS)).toEqual([]);
  });

  test('types without verdicts have no table; the verifier checks some of the others', () => {
    expect(verdictsOf(uapi.BPF_PROG_TYPE_TRACING)).toBeUndefined();
    expect(verdictsOf(CGROUP)?.checked).toBe(true);
    expect(verdictsOf(XDP)?.checked).toBe(false);
  });
});
