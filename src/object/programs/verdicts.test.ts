import { describe, expect, test } from 'vitest';
import * as uapi from '../../uapi/index.ts';
import { programTypeOf } from './section-names.ts';
import {
  hasResultFlag,
  hookRuleOf,
  isDelivered,
  neutralVerdict,
  verdictConstant,
  verdictName,
  verdictOfWord,
  verdictsOf,
  verdictWord,
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

  test.each([
    [XDP, 'XDP_PASS', 2],
    [XDP, 'xdp_tx', 3],
    [TC, 'TC_ACT_OK', 0],
    [TC, 'tcx_next', -1],
    [XDP, 'TC_ACT_OK', undefined],
    [XDP, 'XDP_XDP_PASS', undefined],
    [XDP, 'XDP_', undefined],
    [CGROUP, 'XDP_PASS', undefined],
  ])('of program type %d, %s is the constant of %s', (type, name, value) => {
    expect(verdictOfWord(type, name)).toBe(value);
  });

  test.each([
    [XDP, 4, 'redirect', 'XDP_REDIRECT'],
    [TC, -1, 'unspec', 'TC_ACT_UNSPEC'],
    [TC, 'other', 'other', 'other'],
    [XDP, 9, '9', '9'],
    [SOCKET, 'not 0', 'pass', 'pass'],
  ] as const)('of program type %d, %s has the word %s and the constant %s', (type, value, word, constant) => {
    expect(verdictWord(type, value)).toBe(word);
    expect(verdictConstant(type, value)).toBe(constant);
  });

  test('types without verdicts have no table; the verifier checks some of the others', () => {
    expect(verdictsOf(uapi.BPF_PROG_TYPE_TRACING)).toBeUndefined();
    expect(verdictsOf(CGROUP)?.checked).toBe(true);
    expect(verdictsOf(XDP)?.checked).toBe(false);
  });
});

describe('hooks with several programs', () => {
  const ruleOf = (section: string): unknown => {
    const type = programTypeOf(section);
    const rule = type === undefined ? undefined : hookRuleOf(type);
    return rule?.kind === 'first' ? rule.continueOn : rule?.kind;
  };

  test.each([
    ['xdp', [2]],
    ['?xdp.frags', [2]],
    ['tc', [-1, 1, 3, 5, 6, 'other']],
    ['classifier', [-1, 1, 3, 5, 6, 'other']],
    ['tc/ingress', [-1]],
    ['tcx/egress', [-1]],
    ['netkit/primary', [-1]],
    ['action', [-1, 3]],
    ['socket', ['not 0']],
    ['cgroup_skb/egress', 'all'],
    ['cgroup/dev', 'all'],
    ['sockops', 'all'],
    ['sk_lookup', [1]],
    ['sk_msg', [1]],
    ['sk_skb/stream_verdict', [1]],
    ['sk_skb/stream_parser', undefined],
    ['netfilter', [1]],
    ['lwt_in', [0]],
    ['lwt_seg6local', [0]],
    ['flow_dissector', [129]],
    ['kprobe/f', undefined],
  ])('%s: the next one runs after %j', (section, expected) => expect(ruleOf(section)).toEqual(expected));

  test('every type with verdicts has a rule', () => {
    for (let progType = 1; progType <= uapi.BPF_PROG_TYPE_NETFILTER; progType++)
      expect(hookRuleOf({ progType, expectedAttachType: 0 }) === undefined, `${progType}`).toBe(
        verdictsOf(progType) === undefined,
      );
  });

  test.each([
    ['cgroup_skb/egress', true],
    ['cgroup_skb/ingress', false],
    ['cgroup/bind4', true],
    ['cgroup/bind6', true],
    ['cgroup/connect4', false],
    ['tcx/ingress', false],
  ])('%s: bit 1 of the result is a flag: %s', (section, expected) => {
    const type = programTypeOf(section);
    expect(type !== undefined && hasResultFlag(type)).toBe(expected);
  });
});
