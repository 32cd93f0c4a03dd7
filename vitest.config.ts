import { defineConfig } from 'vitest/config';
import { countSteps } from './test/steps/count-steps-plugin.ts';

/** A long run of mutated inputs (test/builders/mutate.ts) has no limit. */
const LIMIT = process.env['VMSCOPE_MUTATIONS'] === undefined ? 120_000 : 0;

export default defineConfig({
  plugins: [countSteps()],
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/steps/steps.ts'],
    // Two cores; a dump test holds a whole dump's caches.
    maxWorkers: 2,
    testTimeout: LIMIT,
    hookTimeout: LIMIT,
  },
});
