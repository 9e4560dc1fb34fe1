/** What a generation owns goes with it. */

import { expect, test } from 'vitest';
import { Attachment } from '../../kernel/hooks/attachment.ts';
import { BpfProgram } from '../../kernel/objects/program.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import { Fd } from '../../kernel/sys/fd.ts';
import { InputObject } from '../../object/read/input.ts';
import { Generation } from './generation.ts';

test('closing a generation closes its programs and the attachments of its components', () => {
  const sys = new FakeSys();
  const descriptor = (number: number): Fd => {
    sys.openFds.add(number);
    return Fd.adopt(sys, number);
  };
  const link = new Attachment(sys, descriptor(10), 'slot "a"');
  const program = new BpfProgram(sys, descriptor(11), 'main', 6);
  const generation = new Generation({
    via: 'ext',
    design: { rootlet: new InputObject({ name: 'r.o', bytes: new Uint8Array(0) }), fills: [] },
    entry: 'main',
    main: 'main',
    programs: new Map([['main', program]]),
    maps: new Map(),
    states: new Map(),
    settings: new Map(),
    links: new Map([['slot:a', link]]),
  });
  expect([...sys.openFds]).toEqual([10, 11]);
  generation.close();
  expect([...sys.openFds]).toEqual([]);
});
