// `stratafs mount --foreground`: serves the mount in the command's own process.
import type { CommandResult } from './command-result.ts';
import { Interrupt, Interrupted } from './interrupt.ts';
import type { Announce, MountRequest } from './options/mount-request.ts';
import { TerminalReport } from './output/report.ts';
import { openMount, serveUntilUnmounted } from './serve.ts';

/**
 * Resolves when the mount has ended. An interrupt before the mount answers undoes everything and throws Interrupted.
 * The result of `announce` is printed when the mount answers.
 */
export async function runInForeground(request: MountRequest, announce?: Announce): Promise<CommandResult> {
  const report = new TerminalReport();
  const interrupt = new Interrupt();
  try {
    const mount = await openMount(request, report, interrupt.signal);
    report.end();
    if (announce !== undefined) await report.announce(announce(mount));
    const served = serveUntilUnmounted(mount, report);
    interrupt.stop();
    // A signal between the last check and the mount's answer counts as the first signal to the mount.
    const late: unknown = interrupt.signal.reason;
    if (late instanceof Interrupted) process.kill(process.pid, late.signalName);
    await served;
    return { text: '' };
  } finally {
    interrupt.stop();
    report.end();
  }
}
