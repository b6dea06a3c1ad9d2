// `stratafs mount --foreground`: the daemon's work in the command's own process.
import type { MountRequest } from './mount-request.ts';
import { TerminalReport } from './report.ts';
import { openMount, serveUntilUnmounted } from './serve.ts';

/** Resolves when the mount has ended. An interrupt before it answers undoes everything. */
export async function runInForeground(request: MountRequest): Promise<void> {
  const report = new TerminalReport();
  const interrupt = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (): void => interrupt.abort();
  for (const signal of signals) process.on(signal, onSignal);
  const stopWatching = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  try {
    const mount = await openMount(request, report, interrupt.signal);
    report.end();
    const served = serveUntilUnmounted(mount, report);
    stopWatching();
    await served;
  } finally {
    stopWatching();
    report.end();
  }
}
