import { describe, expect, it } from 'vitest';
import { HELPER_NAMES, helperId, helperName } from './helpers.ts';

describe('helpers', () => {
  // Numbers from the kernel's header, spread over the table: a missing or doubled name shifts all after it.
  it.each([
    [1, 'bpf_map_lookup_elem'],
    [6, 'bpf_trace_printk'],
    [12, 'bpf_tail_call'],
    [23, 'bpf_redirect'],
    [44, 'bpf_xdp_adjust_head'],
    [51, 'bpf_redirect_map'],
    [69, 'bpf_fib_lookup'],
    [93, 'bpf_spin_lock'],
    [113, 'bpf_probe_read_kernel'],
    [130, 'bpf_ringbuf_output'],
    [164, 'bpf_for_each_map_elem'],
    [181, 'bpf_loop'],
    [197, 'bpf_dynptr_from_mem'],
    [209, 'bpf_user_ringbuf_drain'],
    [211, 'bpf_cgrp_storage_delete'],
  ])('%i is %s', (id, name) => {
    expect(helperName(id)).toBe(name);
    expect(helperId(name)).toBe(id);
  });

  it('has 211 different names', () => {
    expect(HELPER_NAMES).toHaveLength(212);
    expect(new Set(HELPER_NAMES).size).toBe(212);
  });

  it.each([0, 212, -1, 1.5, 0xffffffff])('%d is not a helper', id => {
    expect(helperName(id)).toBeUndefined();
  });

  it.each(['bpf_unspec', 'map_lookup_elem', 'constructor', ''])('"%s" is not a helper', name => {
    expect(helperId(name)).toBeUndefined();
  });
});
