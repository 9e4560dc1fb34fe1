/** What only the kernel may write: such variables stay where they are, or begin again. */

import { expect, test } from 'vitest';
import { needs } from '../../../test/support/needs.ts';
import type { Btf, BtfId } from '../../btf/model/types.ts';
import { compileTexts, HEAD } from '../../state/testing.ts';
import { kernelFieldOf } from './kernel-fields.ts';

/** Declares a struct of the kernel's name, where the headers may have none. */
const own = (name: string) => `struct ${name} { unsigned long long a, b; };`;
const TAG = (name: string) => `__attribute__((btf_type_tag("${name}")))`;

/** What; declarations; type and name of a variable; what only the kernel may write in it. */
const CASES: readonly (readonly [string, string, string, string | undefined])[] = [
  ['a number', '', 'int v', undefined],
  ['a struct', 'struct s { int a; };', 'struct s v', undefined],
  ['a pointer', 'struct s { struct bpf_spin_lock lock; };', 'struct s *v', undefined],
  ['a lock', '', 'struct bpf_spin_lock v', 'bpf_spin_lock'],
  ['a timer', '', 'struct bpf_timer v', 'bpf_timer'],
  [
    'a lock that spins with care',
    own('bpf_res_spin_lock'),
    'struct bpf_res_spin_lock v',
    'bpf_res_spin_lock',
  ],
  ['work', own('bpf_wq'), 'struct bpf_wq v', 'bpf_wq'],
  ['work of a task', own('bpf_task_work'), 'struct bpf_task_work v', 'bpf_task_work'],
  ['a list', own('bpf_list_head'), 'struct bpf_list_head v', 'bpf_list_head'],
  ['a node of a list', own('bpf_list_node'), 'struct bpf_list_node v', 'bpf_list_node'],
  ['a tree', own('bpf_rb_root'), 'struct bpf_rb_root v', 'bpf_rb_root'],
  ['a node of a tree', own('bpf_rb_node'), 'struct bpf_rb_node v', 'bpf_rb_node'],
  ['a counter of references', own('bpf_refcount'), 'struct bpf_refcount v', 'bpf_refcount'],
  ['in a struct', 'struct s { int a; struct bpf_spin_lock lock; };', 'struct s v', 'bpf_spin_lock'],
  ['in a union', 'union u { int a; struct bpf_timer timer; };', 'union u v', 'bpf_timer'],
  ['in an array', '', 'struct bpf_timer v[4]', 'bpf_timer'],
  [
    'in an array of structs',
    'struct s { struct { struct bpf_timer timer; } in[2]; };',
    'struct s v[4]',
    'bpf_timer',
  ],
  ['behind a typedef', 'typedef struct bpf_spin_lock lock_t;', 'volatile lock_t v', 'bpf_spin_lock'],
  [
    'in a struct that refers to itself',
    'struct s { struct s *next; struct bpf_timer timer; };',
    'struct s v',
    'bpf_timer',
  ],
  ['a struct of a similar name', own('bpf_timer_wheel'), 'struct bpf_timer_wheel v', undefined],
  ...['kptr', 'kptr_untrusted', 'percpu_kptr', 'uptr'].map(
    tag =>
      [`a pointer tagged ${tag}`, 'struct s;', `struct s ${TAG(tag)} *v`, `pointer tagged ${tag}`] as const,
  ),
  [
    'such a pointer in a struct',
    'struct t;',
    `struct { struct t ${TAG('kptr')} *p; } v`,
    'pointer tagged kptr',
  ],
  ['a pointer with another tag', 'struct s;', `struct s ${TAG('user')} *v`, undefined],
];

const clang = needs('clang');

clang.describe('what only the kernel may write', () => {
  if (clang.reason !== undefined) return;
  const textOf = (declarations: string, variable: string) => `${HEAD}${declarations}\n${variable};`;
  const objectOf = compileTexts(CASES.map(([, declarations, variable]) => textOf(declarations, variable)));

  test.each(CASES)('%s', (_, declarations, variable, expected) => {
    const { btf } = objectOf(textOf(declarations, variable));
    if (btf === null) throw new Error('no types');
    expect(kernelFieldOf(btf, variableIn(btf))).toBe(expected);
  });

  test('void is nothing of it', () => {
    const { btf } = objectOf(textOf('', 'int v'));
    if (btf === null) throw new Error('no types');
    expect(kernelFieldOf(btf, 0)).toBeUndefined();
  });
});

function variableIn(btf: Btf): BtfId {
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    if (type.kind === 'var' && type.name === 'v') return id;
  }
  throw new Error('no variable');
}
