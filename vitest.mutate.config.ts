import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** For `npm run mutate` (`scripts/mutate.js`), which sets the tests that have to notice a change of the product. */
const { ROOTLET_MUTATE_TESTS = '' } = process.env;

export default defineConfig({
  test: { ...base.test, include: ROOTLET_MUTATE_TESTS.split(' '), reporters: [] },
});
