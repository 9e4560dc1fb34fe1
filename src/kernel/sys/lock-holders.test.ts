import { expect, test } from 'vitest';
import { holdersIn, lockHolders } from './lock-holders.ts';

const TEXT = `1: POSIX  ADVISORY  WRITE 11 00:2d:7 0 EOF
2: FLOCK  ADVISORY  WRITE 12 00:2d:7 0 EOF
2: -> FLOCK  ADVISORY  WRITE 13 00:2d:7 0 EOF
3: FLOCK  ADVISORY  READ 14 08:01:7 0 EOF
4: FLOCK  ADVISORY  READ 15 08:01:7 0 EOF
4: FLOCK  ADVISORY  READ 15 08:01:7 0 EOF
5: FLOCK  ADVISORY  READ 0 08:01:8 0 EOF
6: FLOCK  ADVISORY  WRITE 16 103:1234:99 0 EOF
`;

test.each([
  ['only locks of flock(2), and not those that are waited for', 0x2dn, 7n, [12]],
  ['several that share it, each once', 0x801n, 7n, [14, 15]],
  ['not a process of another PID namespace', 0x801n, 8n, []],
  ['large device numbers', ((0x1234n >> 8n) << 20n) | 0x34n | (0x103n << 8n), 99n, [16]],
  ['another file', 0x2dn, 8n, []],
])('%s', (_, dev, ino, pids) => {
  expect(holdersIn(TEXT, { dev, ino })).toEqual(pids);
});

test('no process holds the lock of a file that is not there', () => {
  expect(lockHolders({ dev: 0n, ino: 0n })).toEqual([]);
});
