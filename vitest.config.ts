import { defineConfig } from 'vitest/config';

/** Directories whose tests mount nothing: they run two at a time. */
const WITHOUT_MOUNTS = [
  ...['blobs', 'cache', 'commit', 'overlay', 'overlayfs-format', 'registry', 'remote', 'scripts', 'tar'],
  ...['tree', 'vfs'],
].map((directory) => `test/${directory}/**/*.test.ts`);

export default defineConfig({
  test: {
    // Only a test that hangs meets them: a machine may be thirty times slower than usual.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    reporters: ['default', './test/closing-line.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'without mounts',
          include: WITHOUT_MOUNTS,
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        // One at a time: a test that copies the mount namespace keeps the mounts of others busy.
        test: {
          name: 'with mounts',
          include: ['test/**/*.test.ts'],
          exclude: WITHOUT_MOUNTS,
          sequence: { groupOrder: 2 },
          maxWorkers: 1,
        },
      },
    ],
  },
});
