import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseTrace, TracePipe } from './trace-pipe.ts';

const LINES = [
  '           <...>-12345   [001] d..21  1234.567890: bpf_trace_printk: limit 5',
  '     my task-x-7       [000] ..s1.    12.000001: bpf_trace_printk: a: b [3]',
  '            sh-99    (     99) [002] d..3. 77.1: bpf_trace_printk: with tgid',
  '            sh-99      [002] 78.000000: bpf_trace_printk: ',
  'CPU:1 [LOST 12 EVENTS]',
  '            sh-99      [002] d..2. 79.0: sched_switch: prev_comm=sh',
  'garbage',
];

test('lines of programs, with task, CPU and time', () => {
  expect(parseTrace(LINES)).toEqual({
    lost: 12,
    lines: [
      { task: '<...>', pid: 12345, cpu: 1, time: '1234.567890', text: 'limit 5' },
      { task: 'my task-x', pid: 7, cpu: 0, time: '12.000001', text: 'a: b [3]' },
      { task: 'sh', pid: 99, cpu: 2, time: '77.1', text: 'with tgid' },
      { task: 'sh', pid: 99, cpu: 2, time: '78.000000', text: '' },
    ],
  });
});

test('a file, in pieces; none where there is no tracefs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-trace-'));
  try {
    expect(() => new TracePipe([directory])).toThrow(
      expect.objectContaining({
        code: 'kernel-trace',
        problems: [expect.objectContaining({ hint: expect.stringContaining('mount -t tracefs') })],
      }),
    );
    writeFileSync(join(directory, 'trace_pipe'), `${LINES[0]}\n${LINES[1]}`);
    using pipe = new TracePipe([directory]);
    expect(pipe.read().lines.map(({ text }) => text)).toEqual(['limit 5']);
    writeFileSync(join(directory, 'trace_pipe'), `${LINES[0]}\n${LINES[1]}\n`);
    expect(pipe.read().lines.map(({ text }) => text)).toEqual(['a: b [3]']);
    expect(pipe.read()).toEqual({ lines: [], lost: 0 });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
