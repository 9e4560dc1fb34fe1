import { stat } from 'node:fs';
import { expect, test } from 'vitest';
import { FakeSys } from '../sys/fake.ts';
import { Readiness } from './ring-buffer.ts';

/**
 * Waits for nothing in this turn of the event loop; says whether the next turn had begun when it looked
 * again.
 */
function looksInNextTurn(isThere: boolean): Promise<boolean> {
  return new Promise(resolve => {
    let nextTurn = false;
    setImmediate(() => setImmediate(() => (nextTurn = true)));
    const readiness = new Readiness(new FakeSys(), [3]);
    const looked = () => {
      resolve(nextTurn);
      return isThere;
    };
    void readiness.wait(looked);
  });
}

// libuv hands descriptors to the kernel at the start of a poll phase: who asks within one is watched from the
// next on
test('records are looked for again only when the kernel watches, also by who was woken in a poll phase', async () => {
  expect(await looksInNextTurn(true)).toBe(true);
  const inPollPhase = new Promise<boolean>(resolve => stat('/', () => resolve(looksInNextTurn(true))));
  expect(await inPollPhase).toBe(true);
});

test('a wait ends when records are there, and does not look when it has ended', async () => {
  await new Readiness(new FakeSys(), [3]).wait(() => true); // the test's time limit ends it otherwise
  let looks = 0;
  const readiness = new Readiness(new FakeSys(), [3]);
  const wait = readiness.wait(() => {
    looks += 1;
    return true;
  });
  readiness.stop();
  await wait;
  for (let turn = 0; turn < 4; turn++) await new Promise(resolve => setImmediate(resolve));
  expect(looks).toBe(0);
});
