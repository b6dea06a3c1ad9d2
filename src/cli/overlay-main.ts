#!/usr/bin/env node
// The `stratafs-overlay` command. Exit status 0, or 1 for any failure, in one line on stderr.
import { endFailed } from './end-failed.ts';
import { EXIT_FAILURE } from './failure.ts';
import { Interrupted } from './interrupt.ts';
import { runOverlayCommand } from './overlay-command.ts';

try {
  await runOverlayCommand(process.argv.slice(2));
} catch (error) {
  if (error instanceof Interrupted) process.kill(process.pid, error.signalName);
  await endFailed(error, EXIT_FAILURE);
}
