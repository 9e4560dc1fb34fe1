import { expect, test } from 'vitest';
import { CAUSE_KINDS, causeOf } from './verifier-causes.ts';

/** Messages as kernels print them, from 4.15 to 6.18, with the rule and what its hint is about. */
const MESSAGES: readonly (readonly [message: string, kind: string, hint: RegExp])[] = [
  [
    "Caller passes invalid args into func#1 ('parse')",
    'invalid-arguments',
    /"parse" .*__hidden .*--hide parse,/,
  ],
  ['Caller passes invalid args into func#1', 'invalid-arguments', /"second" .*--hide second,/],
  ['Caller passes invalid args into func#7', 'invalid-arguments', /--hide NAME,/],
  ['arg#1 expects pointer to ctx', 'argument-context', /pass ctx itself/],
  ['arg#0 expected pointer to ctx, but got fp', 'argument-context', /__arg_ctx/],
  ['foo() is not a global function', 'not-global', /not static/],
  ['Cannot recursively attach', 'recursive-attach', /freplace/],
  ['missing btf func_info', 'function-info', /-g/],
  [
    'tail_calls are not allowed when call stack of previous frames is 400 bytes. Too large',
    'stack-above-tail-call',
    /less than 256 bytes .* 400 are/,
  ],
  ['combined stack size of 3 calls is 624. Too large', 'stack-combined', /these 3 take 624/],
  ['the call stack of 9 frames is too deep !', 'call-depth', /at most 8 frames/],
  ['invalid unbounded variable-offset read from stack R2', 'stack-variable-offset', /bound it first/],
  [
    'invalid variable-offset write to stack R2 var_off=(0x0; 0x1f) off=-16 size=1',
    'stack-variable-offset',
    /bound/,
  ],
  ['invalid write to stack R10 off=-600 size=1', 'stack-bounds', /512 bytes/],
  ['invalid write to stack R3 off=-16 size=32', 'stack-bounds', /32 bytes .* which has 16/],
  ['invalid stack type R2 off=-8 access_size=16', 'stack-bounds', /16 bytes .* which has 8/],
  ['invalid stack off=-520 size=8', 'stack-bounds', /512 bytes/],
  ['invalid read from stack R2 off -8+0 size 8', 'stack-unwritten', /never written/],
  ['invalid indirect read from stack off -16+8 size 16', 'stack-unwritten', /initialize/],
  ['attempt to corrupt spilled pointer on stack', 'stack-corrupt-pointer', /8 bytes/],
  ['invalid zero-size access to stack', 'stack', /512 bytes/],
  ['frame pointer is read only', 'frame-pointer', /r10/],
  [
    'R0 pointer arithmetic on map_value_or_null prohibited, null-check it first',
    'null-arithmetic',
    /compare it with NULL before/,
  ],
  ['R6 pointer arithmetic on PTR_TO_MAP_VALUE_OR_NULL prohibited', 'pointer-arithmetic', /not allowed/],
  ['R3 pointer arithmetic on sock_or_null prohibited, null-check it first', 'null-arithmetic', /NULL/],
  ["R0 invalid mem access 'map_value_or_null'", 'null-access', /NULL/],
  ["R1 invalid mem access 'rcu_ptr_or_null_'", 'null-access', /NULL/],
  ['Possibly NULL pointer passed to trusted arg0', 'null-argument', /NULL/],
  ["R1 invalid mem access 'pkt_end'", 'packet-end', /ctx->data$/],
  ['R1 pointer arithmetic on pkt_end prohibited', 'packet-end', /only be compared/],
  ['invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)', 'packet-bounds', /data_end/],
  ['invalid access to packet, off=0 size=4, R6(id=1,off=0,r=0)', 'packet-offset', /offset .* is bounded/],
  ['invalid access to packet, off=0 size=4, R6(id=1,off=0,r=2)', 'packet-bounds', /data_end/],
  ['helper access to the packet is not allowed', 'packet-argument', /copy on the stack/],
  ["R7 invalid mem access 'inv'", 'stale-pointer', /load .* again/],
  ["R7 invalid mem access 'scalar'", 'stale-pointer', /bpf_probe_read_kernel/],
  ['value -2147483648 makes map_value pointer be out of bounds', 'offset-range', /unsigned/],
  [
    'math between pkt pointer and register with unbounded min value is not allowed',
    'offset-unbounded',
    /both sides/,
  ],
  [
    'R2 min value is negative, either use unsigned index or do a if (index >=0) check.',
    'offset-negative',
    /unsigned/,
  ],
  ["R4 min value is negative, either use unsigned or 'var &= const'", 'length-negative', /length/],
  ["R4 unbounded memory access, use 'var &= const' or 'if (var < const)'", 'length-unbounded', /length/],
  ['R2 unbounded memory access, make sure to bounds check any such access', 'offset-unbounded', /index/],
  ['R2 invalid zero-sized read: u64=[0,4]', 'length-zero', /len == 0/],
  ['R1 type=ctx expected=map_ptr', 'argument-type', /"&map"/],
  ['R1 type=sock_or_null expected=sock_common, sock, tcp_sock', 'argument-type', /NULL/],
  ['R1 type=scalar expected=sock_common, sock', 'argument-type', /argument 1 is not a pointer/],
  ['R2 type=ctx expected=fp, pkt, map_value', 'argument-type', /argument 2 is of kind ctx/],
  ['dereference of modified ctx ptr R1 off=8 disallowed', 'context-pointer', /constant offset/],
  ['variable ctx access var_off=(0x0; 0x4) disallowed', 'context-pointer', /constant offset/],
  ['invalid bpf_context access off=0 size=4', 'context-field', /context field/],
  ['write into map forbidden, value_size=4 off=0 size=4', 'map-read-only', /read-only/],
  ['invalid access to map value, value_size=8 off=8 size=8', 'map-value-bounds', /up to byte 16 .* has 8:/],
  ['invalid access to map value, value_size=8 off=-1 size=1', 'map-value-bounds', /1 byte before/],
  ['invalid access to memory, mem_size=8 off=9 size=1', 'memory-bounds', /reserved/],
  ['R0 max value is outside of the allowed memory range', 'memory-bounds', /bound/],
  ['R0 pointer += pointer prohibited', 'pointer-sum', /two pointers/],
  ['R0 bitwise operator &= on pointer prohibited', 'pointer-operator', /addition and subtraction/],
  ['R1 pointer arithmetic with *= operator prohibited', 'pointer-operator', /addition/],
  ['R1 32-bit pointer arithmetic prohibited', 'pointer-operator', /64 bits/],
  ['R1 pointer arithmetic on map_ptr prohibited', 'pointer-arithmetic', /not allowed/],
  ['misaligned value access off 0+0+1 size 4', 'misaligned', /4 bytes must be aligned to 4/],
  ['invalid func unknown#174', 'helper-missing', /bpf_get_attach_cookie\(\); guard/],
  ['invalid func unknown#195896080', 'helper-missing', /neither a helper nor a function/],
  ['unknown func bpf_xdp_adjust_head#44', 'helper-type', /bpf_xdp_adjust_head\(\) to this program type/],
  ['program of this type cannot use helper bpf_skb_pull_data#39', 'helper-type', /bpf_skb_pull_data\(\)/],
  ['cannot call GPL-restricted function from non-GPL compatible program', 'license', /LICENSE/],
  ['cannot call kernel function from non-GPL compatible program', 'license', /LICENSE/],
  ['metadata kfuncs require device-bound program', 'kfunc-device', /BPF_F_XDP_DEV_BOUND_ONLY/],
  ["metadata kfuncs can't be offloaded", 'kfunc-offload', /native mode/],
  ['calling kernel function bpf_task_from_pid is not allowed', 'kfunc-type', /bpf_task_from_pid\(\) to this/],
  ['JIT is required for calling kernel function', 'kfunc-interpreter', /bpf_jit_enable/],
  ['helper call might sleep in non-sleepable prog', 'sleeps', /sleepable programs/],
  ['program must be sleepable to call sleepable kfunc bpf_x', 'sleeps', /sleepable programs/],
  ['cannot pass map_type 2 into func bpf_ringbuf_output#130', 'map-type', /another type/],
  ['Expected an initialized dynptr as arg #1', 'dynptr', /fill the dynptr/],
  ['function calls are not allowed while holding a lock', 'lock-call', /no calls are allowed/],
  [
    'BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region',
    'region-end',
    /bpf_rcu_read_unlock\(\)/,
  ],
  [
    'BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region',
    'region-end',
    /bpf_preempt_enable\(\)/,
  ],
  ['bpf_spin_unlock is missing', 'region-end', /bpf_spin_unlock\(\)/],
  ['Unreleased reference id=2 alloc_insn=14', 'reference-leak', /every path must release/],
  ['tail_call would lead to reference leak', 'reference-leak', /every path must release/],
  ['infinite loop detected at insn 6', 'loop-infinite', /bpf_loop/],
  ['back-edge from insn 10 to 5', 'loop-back-edge', /Linux 5\.3/],
  ['BPF program is too large. Processed 1000001 insn', 'too-large', /bpf_loop/],
  ['the sequence of 8193 jumps is too complex.', 'too-many-branches', /simplify/],
  ['R0 !read_ok', 'no-result', /without a return value/],
  ['R6 !read_ok', 'no-value', /before it has a value/],
  [
    'At callback return the register R0 has smin=5 smax=5 should have been in [0, 1]',
    'callback-result',
    /0 \(continue\)/,
  ],
  [
    'At program exit the register R0 has smin=7 smax=7 should have been in [0, 1]',
    'exit-value',
    /return value/,
  ],
  ['div by zero', 'division', /constant 0/],
  ['invalid shift 70', 'shift', /constant 70/],
  ['unreachable insn 2', 'unreachable', /no path leads/],
  ['BPF_MOV uses reserved fields', 'reserved-fields', /-mcpu=v3/],
  ['unknown opcode 8d', 'opcode', /-mcpu/],
  [
    "ldimm64 failed to find the address for kernel symbol 'runqueues'.",
    'symbol-address',
    /CONFIG_KALLSYMS_ALL/,
  ],
];

test.each(MESSAGES)('%s', (message, kind, hint) => {
  const cause = causeOf([message], ['main', 'second']);
  expect(cause?.kind).toBe(kind);
  expect(cause?.hint).toMatch(hint);
});

test('every rule has a message', () => {
  const kinds = new Set(MESSAGES.map(([, kind]) => kind));
  expect([...CAUSE_KINDS].filter(kind => !kinds.has(kind))).toEqual([]);
});

test('a part of a message is not the message', () => {
  for (const text of [
    'my R0 !read_ok',
    'no div by zero here',
    'R0 pointer arithmetic on x prohibited too',
    '',
  ])
    expect(causeOf([text])).toBeUndefined();
});

/** What was wrong with an argument, and the call that is refused for it. */
const CALL = "Caller passes invalid args into func#1 ('parse')";

test.each([
  ['invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)', 'invalid-arguments'],
  ["arg#0 reference type('UNKNOWN ') size cannot be determined: -22", 'invalid-arguments'],
  ['R2 type=pkt_end expected=fp, pkt, map_value', 'invalid-arguments'],
  ['arg#1 expects pointer to ctx', 'argument-context'],
  ['invalid read from stack R1 off -8+0 size 8', 'stack-unwritten'],
  ['invalid access to map value, value_size=4 off=0 size=8', 'map-value-bounds'],
])('%s, in a call of a global function: %s', (message, kind) => {
  expect(causeOf([message, CALL])?.kind).toBe(kind);
});
