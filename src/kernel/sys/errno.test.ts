import { expect, test } from 'vitest';
import { errnoName, errnoText } from '../../uapi/errno.ts';
import { syscallError } from './errno.ts';

test.each([
  [1, 'EPERM'],
  [22, 'EINVAL'],
  [95, 'EOPNOTSUPP'],
  [524, 'ENOTSUPP'],
  [512, 'ERESTARTSYS'],
  [529, 'EIOCBQUEUED'],
  [4000, 'errno 4000'],
])('%d is %s', (errno, name) => {
  expect(errnoName(errno)).toBe(name);
});

test('an error of a call has its number, its words and its place', () => {
  const error = syscallError('kernel-info', ['map "a"'], 'writing', -524);
  expect(error.problems[0]).toMatchObject({ code: 'kernel-info', class: 'platform', errno: 524 });
  expect(error.message).toBe(`map "a": writing: ${errnoText(524)}`);
  expect(error.message).toContain('ENOTSUPP');
});
