import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/**
 * What to run while working (`npm run test:quick`): tests that need neither root nor a compiler, and take little time. Each
 * part of a file that needs more is skipped (`test/support/needs.ts`).
 */
export default defineConfig({
  test: {
    ...base.test,
    pool: 'threads',
    isolate: false,
    include: ['src/**/*.test.ts', 'cli/**/*.test.ts', 'test/{project,e2e}/**/*.test.ts'],
    exclude: [
      '**/*{kernel,oracle,hostile}*.test.ts',
      'src/{kernel,load,store,hooks,dynamic}/**',
      'cli/commands/{attach,detach,load,replace}.test.ts',
      'cli/loading-docs.test.ts',
      'test/e2e/{dynamic,slots,replace,command}/**',
      'test/e2e/link/debian-objects.test.ts',
    ],
    env: { ROOTLET_TEST_QUICK: '1' },
  },
});
