// `stratafs mount --foreground`: the daemon's work in the command's own process.
import { Interrupt, Interrupted } from './interrupt.ts';
import type { MountRequest } from './options/mount-request.ts';
import { TerminalReport } from './output/report.ts';
import { openMount, serveUntilUnmounted } from './serve.ts';

/**
 * Resolves when the mount has ended. An interrupt before it answers undoes everything, and throws Interrupted. `announce`
 * is called when the mount answers.
 */
export async function runInForeground(
  request: MountRequest,
  announce: () => void = () => undefined,
): Promise<void> {
  const report = new TerminalReport();
  const interrupt = new Interrupt();
  try {
    const mount = await openMount(request, report, interrupt.signal);
    report.end();
    announce();
    const served = serveUntilUnmounted(mount, report);
    interrupt.stop();
    // One that came once nothing looked at it any more, while the mount began to answer, is the mount's first.
    const late: unknown = interrupt.signal.reason;
    if (late instanceof Interrupted) process.kill(process.pid, late.signalName);
    await served;
  } finally {
    interrupt.stop();
    report.end();
  }
}
