import { expect, test } from 'vitest';
import { needsPerfmon } from './perfmon.ts';

test.each([
  ['R6 pointer -= pointer prohibited', true],
  ['R3 pointer comparison prohibited', true],
  ['R0 leaks addr as return value', true],
  ['R1 variable offset stack access prohibited for !root, var_off=(0x0; 0x38) off=0', true],
  ['attempt to corrupt spilled pointer on stack', true],
  ['R2 has unknown scalar with mixed signed bounds, pointer arithmetic with it prohibited for !root', true],
  ['invalid read from stack off -8+0 size 8', true],
  ['program of this type cannot use helper bpf_trace_printk#6', true],
  ['unknown func bpf_probe_read_kernel#113', true],
  ['program of this type cannot use helper bpf_redirect#23', false],
  ["R0 invalid mem access 'map_value_or_null'", false],
  ['R0 pointer arithmetic on map_value_or_null prohibited, null-check it first', false],
  ['invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)', false],
  ['', false],
])('%s: %s', (message, needed) => {
  expect(needsPerfmon(message)).toBe(needed);
});
