import { expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { ALL_MEMBERS, compileMembers, memberChain, memberPackets, TC_MEMBERS } from './members.ts';
import { beforeOf } from './optimized.ts';

const { sys } = kernelForTests();
const members = compileMembers(ALL_MEMBERS);
test.each(ALL_MEMBERS)('%s', name => {
  const tc = TC_MEMBERS.includes(name);
  const chain = memberChain(members, tc ? ['looks', name, 'marked'] : ['plain', name, 'again']);
  const steps = memberPackets().map(packet => ({ program: 'chain', packet }));
  const b = beforeOf(chain, 7, steps, sys);
  if (typeof b.kernel === 'string') console.log(name, 'KERNEL', b.kernel.slice(0, 500));
  if (typeof b.machine === 'string') console.log(name, 'MACHINE', b.machine.slice(0, 300));
  if (typeof b.kernel !== 'string' && typeof b.machine !== 'string')
    expect(b.kernel?.observation).toEqual(b.machine);
});
