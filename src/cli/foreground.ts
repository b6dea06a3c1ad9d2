// `stratafs mount --foreground`: the daemon's work in the command's own process.
import type { CommandResult } from './command-result.ts';
import { Interrupt, Interrupted } from './interrupt.ts';
import type { MountRequest } from './options/mount-request.ts';
import { TerminalReport } from './output/report.ts';
import { openMount, serveUntilUnmounted } from './serve.ts';

/**
 * Resolves when the mount has ended. An interrupt before it answers undoes everything, and throws Interrupted. `announcement`
 * is printed when the mount answers.
 */
export async function runInForeground(request: MountRequest, announcement?: string): Promise<CommandResult> {
  const report = new TerminalReport();
  const interrupt = new Interrupt();
  try {
    const mount = await openMount(request, report, interrupt.signal);
    report.end();
    if (announcement !== undefined) await report.announce(announcement);
    const served = serveUntilUnmounted(mount, report);
    interrupt.stop();
    // One that came once nothing looked at it any more, while the mount began to answer, is the mount's first.
    const late: unknown = interrupt.signal.reason;
    if (late instanceof Interrupted) process.kill(process.pid, late.signalName);
    await served;
    return { text: '' };
  } finally {
    interrupt.stop();
    report.end();
  }
}
