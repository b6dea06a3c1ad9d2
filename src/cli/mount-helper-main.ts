#!/usr/bin/env node
// The `mount.stratafs` command. Exit statuses are mount(8)'s: 1 for usage, 32 where the mount failed.
import { describeFailure, printFailure, stackOf } from './failure.ts';
import { MOUNT_EXIT_FAILURE, MOUNT_EXIT_USAGE, runMountHelper } from './mount-helper.ts';
import { UsageError } from './usage-error.ts';

try {
  await runMountHelper(process.argv.slice(2));
} catch (error) {
  printFailure(describeFailure(error), stackOf(error));
  process.exitCode = error instanceof UsageError ? MOUNT_EXIT_USAGE : MOUNT_EXIT_FAILURE;
}
