/** Programs of other tools in slots, as far as a kernel that replaces nothing shows it. */

import { expect, test } from 'vitest';
import { makeDispatcher } from '../../chain/libxdp/dispatcher.ts';
import { hooksForTests, returning } from '../../hooks/testing.ts';
import { countFds } from '../../kernel/testing.ts';
import { HOST_ORDER } from '../../kernel/uapi/attr.ts';
import { writeObject } from '../../object/write/write.ts';
import { BPF_PROG_TYPE_XDP } from '../../uapi/program-types.ts';
import { Rootlet } from './rootlet.ts';

const { kernel, missing } = hooksForTests();

const SLOTS = [{ continueOn: [2], priority: 50, flags: 0 }];
const object = makeDispatcher({
  config: { version: 2, slots: SLOTS, frags: false, deviceBound: false },
  byteOrder: HOST_ORDER,
});
const file = { name: object.name, bytes: writeObject(object) };

/** A rootlet with a guest in its first slot. */
const build = (programId: number) => () => {
  const guests = [{ slot: 'prog0', component: 'theirs', program: 'their_program', programId }];
  const slots = { generated: { components: [], guests, mustReturn: [], facts: {} } };
  const options = { slots, program: 'xdp_dispatcher', via: 'ext', pinRoot: null } as const;
  return Rootlet.first(kernel, file, options, () => {});
};

test.skipIf(missing !== undefined)('one that is gone is a change of the hook, which is read again', () => {
  expect(build(0x7ffffff0)).toThrow(expect.objectContaining({ code: 'hook-changed' }));
});

test.skipIf(missing !== undefined)('one that cannot be moved is reported, and nothing stays open', () => {
  using program = returning(kernel, 'no_replacement', [BPF_PROG_TYPE_XDP], 2);
  const before = countFds();
  expect(build(program.info().id)).toThrow(
    expect.objectContaining({
      code: 'relink-guest',
      message: expect.stringMatching(/which another tool loaded, cannot be moved to this rootlet/),
    }),
  );
  expect(countFds()).toBe(before);
});
