import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Node 20 reads the certificates of this list at each start, for 40 ms; tests start thousands, and none uses TLS.
delete process.env['NODE_EXTRA_CA_CERTS'];

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'cli/**/*.test.ts', 'test/**/*.test.ts'],
    // Tests start many processes: on a busy machine a test takes several times its usual time.
    testTimeout: 90_000,
    hookTimeout: 60_000,
    env: { NO_COLOR: '1' }, // commands that tests start print what a pipe gets
    pool: 'forks',
    // The default leaves one core idle, which is half of a machine with two.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    globalSetup: ['test/support/kernels-path.ts'],
    setupFiles: ['test/support/kernels.ts'],
    reporters: [['default', { summary: false }], './test/support/reporter.ts'],
  },
});
