import { expect, test } from 'vitest';
import { parseVerifierLog } from './verifier-log.ts';

// Recorded on Linux 6.18 from small C programs, each with the mistake in its name.
const STATISTICS =
  'processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0';

const NO_BOUNDS = `0: R1=ctx() R10=fp0
; return p[0]; @ a.c:5
0: (61) r1 = *(u32 *)(r1 +0)          ; R1=pkt(r=0)
1: (71) r0 = *(u8 *)(r1 +0)
invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)
R1 offset is outside of the packet
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`;

const NO_NULL_CHECK = `6: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=counts,ks=4,vs=8)
7: (79) r1 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
${STATISTICS}
`;

const LOOP = `9: (61) r2 = *(u32 *)(r10 -4)         ; R2=scalar() R10=fp0 fp-8=mmmm????
10: (5d) if r2 != r1 goto pc-5 infinite loop detected at insn 6
cur state: R1=0xffffffff R2=scalar() R10=fp0 fp-8=mmmm????
old state: R1=0xffffffff R2=scalar() R10=fp0 fp-8=mmmm????
${STATISTICS}
`;

const GLOBAL = `Validating glob() func#1...
6: R1=mem_or_null(id=1,sz=4) R10=fp0
; int glob(int *p){ return *p; } @ a.c:27
6: (61) r0 = *(u32 *)(r1 +0)
R1 invalid mem access 'mem_or_null'
${STATISTICS}
`;

const WHOLE_PROGRAM = "number of funcs in func_info doesn't match number of subprogs\n";

test.each([
  [
    'packet bounds',
    NO_BOUNDS,
    'invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)',
    1,
    'data_end',
    2,
  ],
  ['NULL check', NO_NULL_CHECK, "R0 invalid mem access 'map_value_or_null'", 7, 'NULL', 7],
  ['loop', LOOP, 'infinite loop detected at insn 6', 10, 'bpf_loop', 7],
  ['global function', GLOBAL, "R1 invalid mem access 'mem_or_null'", 6, 'NULL', 7],
])('%s: cause, instruction and hint', (_, log, cause, insnIndex, hint, processed) => {
  const parsed = parseVerifierLog(log);
  expect(parsed).toMatchObject({ cause, insnIndex, processedInsns: processed });
  expect(parsed.known?.hint).toContain(hint);
});

test('source comment and register states come from before the cause', () => {
  const parsed = parseVerifierLog(NO_BOUNDS);
  expect(parsed.sourceComment).toBe('return p[0]; @ a.c:5');
  expect(parsed.states).toEqual([
    '0: R1=ctx() R10=fp0',
    '0: (61) r1 = *(u32 *)(r1 +0)          ; R1=pkt(r=0)',
  ]);
  expect(parsed.more).toEqual(['R1 offset is outside of the packet']);
});

test('a program refused as a whole has a cause and no instruction', () => {
  expect(parseVerifierLog(WHOLE_PROGRAM)).toMatchObject({
    cause: "number of funcs in func_info doesn't match number of subprogs",
    insnIndex: undefined,
    sourceComment: undefined,
  });
});

test.each([
  ['15: (85) call unknown#174\ninvalid func unknown#174', 'does not have bpf_get_attach_cookie(); guard'],
  [
    '4: (85) call bpf_xdp_adjust_head#44\nunknown func bpf_xdp_adjust_head#44',
    'offer bpf_xdp_adjust_head() to',
  ],
  ['4: (85) call unknown#195896080\ninvalid func unknown#195896080', 'neither a helper nor a function'],
])('%j: the helper is named', (log, hint) => {
  expect(parseVerifierLog(`${log}\nprocessed 4 insns (limit 1000000)\n`).known?.hint).toContain(hint);
});

test('a replacement of a replacement is explained', () => {
  const parsed = parseVerifierLog('Cannot recursively attach\nprocessed 0 insns (limit 1000000)\n');
  expect(parsed).toMatchObject({ cause: 'Cannot recursively attach', insnIndex: undefined });
  expect(parsed.known?.hint).toContain('freplace');
});

test.each(['', '\n\n', '12: ', ': (', 'garbage\u0000'])('odd log %j gives an answer', log => {
  expect(parseVerifierLog(log).insnIndex).toBeUndefined();
});
