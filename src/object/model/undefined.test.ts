import { expect, test } from 'vitest';
import { kconfigHint } from './undefined.ts';

test('names of the kernel configuration only lack __kconfig', () => {
  expect(kconfigHint('CONFIG_HZ')).toMatch(/^"CONFIG_HZ" .* __kconfig$/);
  expect(kconfigHint('LINUX_KERNEL_VERSION')).toMatch(/__kconfig$/);
  expect(kconfigHint('LINUX_VERSION')).toBeUndefined();
  expect(kconfigHint('CONFIGURE')).toBeUndefined();
});
