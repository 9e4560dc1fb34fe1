import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { callHelper, EXIT } from './assemble.ts';
import { callKeepsPacket, callsBack, changesPacket, keepsPacket, maySleep } from './effects.ts';
import { helperArguments } from './helper-arguments.ts';
import { HELPER_NAMES, helperId, helperName } from './helpers.ts';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, OP_CALL, OP_CALLX } from './opcodes.ts';

const HEADER = '/usr/include/bpf/bpf_helper_defs.h';
const missing = existsSync(HEADER) ? '' : ` (no ${HEADER})`;

interface Prototype {
  readonly id: number;
  readonly name: string;
  readonly parameters: readonly string[];
}

/** The prototypes of libbpf's header. */
function prototypes(): Prototype[] {
  const text = readFileSync(HEADER, 'utf8');
  const found = text.matchAll(/\(\*(bpf_\w+)\)\(([^()]*)\) = \(void \*\) ?(\d+);/g);
  return [...found].map(([, name = '', list = '', id = '']) => ({
    id: Number(id),
    name,
    parameters: list === 'void' ? [] : list.split(',').map(parameter => parameter.trim()),
  }));
}

function idOf(name: string): number {
  return helperId(`bpf_${name}`) ?? Number.NaN;
}

const IDS = HELPER_NAMES.map((_, id) => id).slice(1);

describe.skipIf(missing !== '')(`helpers beside libbpf's header${missing}`, () => {
  it('have the names of the header', () => {
    expect(prototypes().map(({ id, name }) => [id, name])).toEqual(IDS.map(id => [id, helperName(id)]));
  });

  it('have the numbers of arguments of the header', () => {
    const expected = prototypes().map(({ parameters }) =>
      parameters.includes('...') ? 5 : parameters.length,
    );
    expect(IDS.map(helperArguments)).toEqual(expected);
  });

  // A pointer without `const` may be written through, so that whoever adds a helper has to look at it.
  it('that keep packets have no other pointers without const than these, which are not written', () => {
    const pointers = prototypes()
      .filter(({ id }) => keepsPacket(id))
      .flatMap(({ parameters }) => parameters)
      .filter(parameter => parameter.includes('*') && !parameter.startsWith('const '));
    expect([...new Set(pointers)].sort()).toEqual([
      '__be32 *from',
      '__be32 *to',
      'struct __sk_buff *skb',
      'struct bpf_redir_neigh *params',
      'struct bpf_sock *sk',
      'struct bpf_sock_tuple *tuple',
      'struct bpf_spin_lock *lock',
      'struct bpf_timer *timer',
      'struct cgroup *cgroup',
      'struct iphdr *iph',
      'struct ipv6hdr *iph',
      'struct task_struct *task',
      'struct tcphdr *th',
      'struct xdp_md *xdp_md',
      'void *callback_fn',
      'void *ctx',
      'void *data',
      'void *iph',
      'void *map',
      'void *map_value',
      'void *ptr',
      'void *ringbuf',
      'void *sk',
      'void *sock',
      'void *value',
    ]);
  });

  it('with a callback that runs during the call do not keep packets', () => {
    const callers = prototypes().filter(({ parameters }) => parameters.includes('void *callback_fn'));
    const later = ['bpf_timer_set_callback'];
    expect(callers.filter(({ id }) => keepsPacket(id)).map(({ name }) => name)).toEqual(later);
    expect(callers.filter(({ id }) => !callsBack(id)).map(({ name }) => name)).toEqual(later);
    expect(IDS.filter(callsBack)).toHaveLength(callers.length - later.length);
  });
});

describe('helperArguments', () => {
  it.each([
    ['map_lookup_elem', 2],
    ['map_update_elem', 4],
    ['ktime_get_ns', 0],
    ['trace_printk', 5],
    ['set_hash_invalid', 1],
    ['tail_call', 3],
    ['cgrp_storage_delete', 2],
  ])('%s takes %i', (name, count) => {
    expect(helperArguments(idOf(name))).toBe(count);
  });

  it.each([0, 212, -1, 0xffffffff])('%i is not a helper', id => {
    expect(helperArguments(id)).toBeUndefined();
  });
});

describe('effects', () => {
  test('a helper that may change packets does not keep them', () => {
    expect(IDS.filter(id => changesPacket(id) && keepsPacket(id))).toEqual([]);
  });

  it.each([
    'map_lookup_elem',
    'map_update_elem',
    'map_delete_elem',
    'trace_printk',
    'csum_diff',
    'redirect_map',
  ])('%s keeps the packet', name => {
    expect(keepsPacket(idOf(name))).toBe(true);
    expect(callKeepsPacket(callHelper(idOf(name)))).toBe(true);
  });

  it.each([
    'tail_call',
    'loop',
    'for_each_map_elem',
    'user_ringbuf_drain',
    'skb_store_bytes',
    'xdp_store_bytes',
    'xdp_load_bytes',
    'skb_load_bytes',
    'fib_lookup',
    'map_pop_elem',
    'map_peek_elem',
    'dynptr_write',
    'dynptr_read',
    'check_mtu',
    'snprintf',
    'strtol',
    'get_hash_recalc',
    'set_hash',
    'set_hash_invalid',
    'sk_assign',
    'skb_set_tstamp',
    'skb_change_type',
    'skb_ecn_set_ce',
    'skb_pull_data',
    'xdp_adjust_meta',
    'probe_read_kernel',
  ])('%s does not', name => {
    expect(keepsPacket(idOf(name))).toBe(false);
    expect(callKeepsPacket(callHelper(idOf(name)))).toBe(false);
  });

  it.each([0, 212, -1])('%i, which is not a helper, has no known effect', id => {
    expect([keepsPacket(id), changesPacket(id), maySleep(id)]).toEqual([false, false, false]);
  });

  test('calls of functions, of kfuncs and through registers may do anything', () => {
    const call = callHelper(idOf('map_lookup_elem'));
    expect(callKeepsPacket({ ...call, src: BPF_PSEUDO_CALL })).toBe(false);
    expect(callKeepsPacket({ ...call, src: BPF_PSEUDO_KFUNC_CALL })).toBe(false);
    expect(callKeepsPacket({ ...call, opcode: OP_CALLX })).toBe(false);
    expect(callKeepsPacket(EXIT)).toBe(false);
    expect(call.opcode).toBe(OP_CALL);
  });

  it.each(['copy_from_user', 'copy_from_user_task', 'd_path', 'ima_inode_hash', 'ima_file_hash'])(
    '%s may sleep',
    name => {
      expect(maySleep(idOf(name))).toBe(true);
    },
  );

  it.each(['probe_read_user', 'map_lookup_elem', 'get_stack'])('%s may not', name => {
    expect(maySleep(idOf(name))).toBe(false);
  });

  it.each(['tail_call', 'xdp_adjust_head', 'skb_pull_data', 'clone_redirect', 'store_hdr_opt'])(
    '%s may change the packet',
    name => {
      expect(changesPacket(idOf(name))).toBe(true);
    },
  );

  it.each(['map_lookup_elem', 'skb_load_bytes', 'skb_ecn_set_ce'])(
    '%s may not by the list of the kernel',
    name => {
      expect(changesPacket(idOf(name))).toBe(false);
    },
  );
});
