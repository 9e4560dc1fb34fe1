import { expect, test } from 'vitest';
import { startProgress, type Work } from './progress.ts';

const WORK: Work = { name: 'traffic.pcap', total: 1e9, isSilent: false };

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Progress with a clock that stands still unless it is set, and what it writes. */
function started(work: Partial<Work> = {}, { isTTY = true, columns, env = {} }: Terminal = {}) {
  const written: string[] = [];
  const clock = { now: 5000 };
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  const progress = startProgress({ ...WORK, ...work }, { stream, env, now: () => clock.now });
  const at = (milliseconds: number, done: number): void => {
    clock.now = 5000 + milliseconds;
    progress.at(done);
  };
  return { written, at, end: () => progress.end() };
}

test('after two seconds a line shows share, rate and the time that is left, and the end clears it', () => {
  const { written, at, end } = started();
  at(1999, 1e8);
  expect(written).toEqual([]);
  at(2500, 25e7);
  const line = 'traffic.pcap: 25%, 250MB of 1GB, 100MB/s, 8 s left';
  expect(written).toEqual([`\r${line}`]);
  end();
  expect(written.slice(1)).toEqual([`\r${' '.repeat(line.length)}\r`]);
  at(9000, 9e8);
  end();
  expect(written.length).toBe(2);
});

test('work of less than two seconds writes nothing', () => {
  const { written, at, end } = started();
  for (let time = 0; time < 2000; time += 10) at(time, time);
  end();
  expect(written).toEqual([]);
});

test('the line is renewed ten times a second at most', () => {
  const { written, at } = started();
  for (let time = 0; time < 4000; time++) at(time, 1e6);
  expect(written.length).toBe(20);
});

test('a shorter line covers the one before', () => {
  const { written, at } = started();
  at(2500, 25e7);
  at(4000, 1e9);
  const [first = '', second = ''] = written;
  expect(second.length).toBe(first.length);
  expect(second).toMatch(/^\rtraffic\.pcap: 100%, 1GB of 1GB, 250MB\/s, 0 s left +$/);
});

test.each([
  ['no terminal', {}, { isTTY: false }],
  ['a terminal without cursor', {}, { env: { TERM: 'dumb' } }],
  ['output for programs', { isSilent: true }, {}],
] as const)('%s: nothing is written', (_, work, terminal) => {
  const { written, at, end } = started(work, terminal);
  at(60_000, 5e8);
  end();
  expect(written).toEqual([]);
});

test('there are no colours and no escapes, whatever the name of the file', () => {
  const { written, at } = started({ name: 'a\u001b[31m\n.pcap' }, { env: { NO_COLOR: '1', TERM: 'xterm' } });
  at(3000, 1e8);
  expect(written.length).toBe(1);
  expect(written.join('').slice(1)).toMatch(/^[ -~]+$/);
});

test.each([
  [40, 39],
  [0, 79],
  [undefined, 79],
])('with %s columns a line has %d characters at most', (columns, length) => {
  const { written, at } = started({ name: 'x'.repeat(200) }, columns === undefined ? {} : { columns });
  at(3000, 1e8);
  expect(written).toEqual([`\r${'x'.repeat(length)}`]);
});

test.each([
  [null, 3e8, 3000, 'traffic.pcap: 300MB, 100MB/s'],
  [1e9, 0, 3000, 'traffic.pcap: 0%, 0B of 1GB, 0B/s'],
  [2e9, 2.5e9, 5000, 'traffic.pcap: 100%, 2.50GB of 2GB, 500MB/s, 0 s left'],
  [1e12, 1e8, 10_000, 'traffic.pcap: 0%, 100MB of 1TB, 10MB/s, 27 h 47 min left'],
  [1e9, 1e7, 2000, 'traffic.pcap: 1%, 10MB of 1GB, 5MB/s, 4 min left'],
])('of %s bytes %d in %d ms', (total, done, time, text) => {
  const { written, at } = started({ total });
  at(time, done);
  expect(written).toEqual([`\r${text}`]);
});
