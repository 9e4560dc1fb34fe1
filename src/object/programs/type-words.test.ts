/** Words for program types: sections of libbpf, names of the kernel, and what is refused. */

import { describe, expect, test } from 'vitest';
import { PROG_TYPE_COUNT, progTypeName } from '../../uapi/program-types.ts';
import { knownSectionNames, nearSectionNames, programTypeOf } from './section-names.ts';
import { sectionOfType, typeHint } from './type-words.ts';

test.each(knownSectionNames())('%s stands for itself, with what may follow it', name => {
  expect(sectionOfType(name)).toEqual({ ok: true, value: name });
  const extended = sectionOfType(`${name}/target`);
  expect(extended.ok).toBe(programTypeOf(`${name}/target`) !== undefined);
  expect(sectionOfType(`?${name}`).ok).toBe(false);
});

test.each([
  ['sched_cls', 'tc'],
  ['sched_act', 'action'],
  ['socket_filter', 'socket'],
  ['cgroup_skb', 'cgroup/skb'],
  ['cgroup_sock', 'cgroup/sock'],
  ['cgroup_device', 'cgroup/dev'],
  ['cgroup_sysctl', 'cgroup/sysctl'],
  ['sock_ops', 'sockops'],
  ['raw_tracepoint_writable', 'raw_tracepoint.w'],
  ['ext', 'freplace'],
])('%s of the kernel is SEC("%s")', (word, section) => {
  expect(sectionOfType(word)).toEqual({ ok: true, value: section });
});

test('every name of a type in the kernel has a section of that type, or is refused with a list', () => {
  for (let type = 1; type < PROG_TYPE_COUNT; type++) {
    const word = progTypeName(type);
    const found = sectionOfType(word);
    if (found.ok) expect([word, programTypeOf(found.value)?.progType]).toEqual([word, type]);
    else expect([word, found.problem.hint]).toEqual([word, expect.stringMatching(/^give one of: "/)]);
  }
  for (const word of ['tracing', 'cgroup_sock_addr', 'cgroup_sockopt'])
    expect(sectionOfType(word).ok).toBe(false);
});

test.each([
  ['xpd', /did you mean "xdp"/],
  ['XDP', /did you mean "xdp"/],
  ['BPF_PROG_TYPE_SCHED_CLS', /did you mean "sched_cls"/],
  ['BPF_PROG_TYPE_NO', /xdp, tc, /],
  ['sched_clss', /did you mean "sched_cls"/],
  ['kprob/do_exit', /did you mean "kprobe\/do_exit"/],
  ['sk_skb/stream_verdit', /did you mean "sk_skb\/stream_verdict"/],
  ['nothing_like_it', /xdp, tc, /],
  ['', /xdp, tc, /],
])('%j is not a type', (word, hint) => {
  const found = sectionOfType(word);
  expect(found).toMatchObject({ ok: false, problem: { code: 'object-program-type', subject: word } });
  expect(found.ok ? '' : found.problem.hint).toMatch(hint);
});

describe('near names', () => {
  test.each([
    ['xpd', ['xdp']],
    ['xdp.frag', ['xdp.frags']],
    ['kprobee/f', ['kprobe/f']],
    ['filter', []],
    ['prog', []],
    ['classifer', ['classifier']],
    ['cgroup/conect4', ['cgroup/connect4', 'cgroup/connect6']],
  ])('%s', (name, near) => expect(nearSectionNames(name)).toEqual(near));

  test('the hint has the name that may be meant, and both ways to give the type', () => {
    expect(typeHint('f', 'xdp/entry')).toBe(
      'did you mean SEC("xdp")? --type f=xdp specifies the type; "rootlet link --rename-section xdp/entry=xdp" changes the object',
    );
    expect(typeHint('f', '?xpd')).toContain('did you mean SEC("xdp")? --type f=xdp');
    expect(typeHint('f', 'filter')).toMatch(/^--type f=TYPE .*--rename-section filter=TYPE/);
  });
});
