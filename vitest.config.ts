import { defineConfig } from 'vitest/config';

/** Tests that start whole programs or a browser: one file at a time, so that two cores time them fairly. */
const WHOLE = [
  'tests/e2e/**/*.test.ts',
  'tests/cli/**/*.test.ts',
  'tests/desktop/**/*.test.ts',
  'tests/client/node-peers.test.ts',
  'tests/client/parity-peers.test.ts',
  'tests/client/dead-servers.test.ts',
  'tests/client/calls.test.ts',
  'tests/client/liar.test.ts',
  'tests/control/plane.test.ts',
  'tests/abuse/evil-peers.test.ts',
  'tests/abuse/doors.test.ts',
  'tests/abuse/soak.test.ts',
];

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['tests/**/*.test.ts'],
          exclude: WHOLE,
          maxWorkers: 2,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: WHOLE,
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
