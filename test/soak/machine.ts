/** Soak of the embedded machine: machines that come and go, one that runs for long, those that are refused. */

import { RootletError } from '../../src/diag/problem.ts';
import type { ObjectFile } from '../../src/object/read/input.ts';
import { readObject } from '../../src/object/read/read.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { PREFIX } from './measure.ts';
import type { Subject } from './subject.ts';

const PACKET = new Uint8Array(64);

export function machineSubjects(objects: (name: string) => ObjectFile): Subject[] {
  const subject = (name: string, open: Subject['open']): Subject => ({ what: 'machine', name, open });
  return [
    subject('machines', () => {
      const object = readObject(objects('a'));
      return {
        cycle() {
          using machine = createMachine(object);
          for (let run = 0; run < 4; run++) machine.run(PACKET);
        },
      };
    }),
    subject('machines that nothing closes', () => {
      const object = readObject(objects('a'));
      return { cycle: () => void createMachine(object).run(PACKET) };
    }),
    subject('runs, maps, events', running(objects)),
    subject('refused', () => {
      const object = readObject(objects('a'));
      const maxEntries = new Map([['seen', 2 ** 30]]);
      return { cycle: () => expectRefusal(() => createMachine(object, { maxEntries, maxMemory: 2 ** 20 })) };
    }),
  ];
}

/** One machine with every kind of state, and one that sends records. */
function running(objects: (name: string) => ObjectFile): Subject['open'] {
  return () => {
    const machine = createMachine(readObject(objects('a')));
    const sender = createMachine(readObject(objects('events')), { program: `${PREFIX}ring` });
    const key = new Uint8Array(4);
    return {
      cycle(at) {
        for (let run = 0; run < 20; run++) {
          machine.run(PACKET);
          sender.run(PACKET);
        }
        key[0] = 2 + (at % 6);
        machine.map('seen').update(key, new Uint8Array(8));
        machine.map('seen').delete(key);
      },
      close() {
        machine.close();
        sender.close();
      },
    };
  };
}

export function expectRefusal(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (error instanceof RootletError) return;
    throw error;
  }
  throw new Error('what must be refused was accepted');
}
