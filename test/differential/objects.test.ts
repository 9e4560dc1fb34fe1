/**
 * Compiled objects (Debian's, the examples and the cases) through the passes that need one object only:
 * machine and kernel see no difference between before and after.
 */

import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { COMPILED, DEBIAN, SHOWS_PLACES } from './compiled-objects.ts';
import { firstDifference } from './single.ts';

const { sys } = kernelForTests();

describe('objects of compilers', () => {
  test('that can run are many', () => {
    expect(COMPILED.length).toBeGreaterThan(existsSync(DEBIAN) ? 60 : 45);
  });

  test.each(COMPILED)('$name', ({ name, object }) => {
    const without = SHOWS_PLACES.test(name) ? ['collect'] : [];
    expect(firstDifference(object, { sys, without })).toBeUndefined();
  });
});
