#!/usr/bin/env node
// The `stratafs` command: argv in, exit status out (0; 1 for a failure, in one line on stderr; 2 for usage).
import { EarlyDaemon, callsForDaemon } from './daemon-process.ts';
import { endFailed } from './end-failed.ts';
import { exitStatusOf } from './failure.ts';
import { Interrupted } from './interrupt.ts';

// `stratafs ls | head -1`: a reader that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const args = process.argv.slice(2);
const daemon = callsForDaemon(args) ? new EarlyDaemon(args) : undefined;
try {
  const { runCommandLine } = await import('./command-line.ts');
  process.exitCode = await runCommandLine(args, daemon);
} catch (error) {
  if (error instanceof Interrupted) process.kill(process.pid, error.signalName);
  await endFailed(error, exitStatusOf(error));
} finally {
  daemon?.discard();
}
