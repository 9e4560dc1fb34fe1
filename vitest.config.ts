import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'cli/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    pool: 'forks',
    globalSetup: ['test/support/kernels-path.ts'],
    setupFiles: ['test/support/kernels.ts'],
    reporters: [['default', { summary: false }], './test/support/reporter.ts'],
  },
});
