// Mounts in the background: this process becomes the daemon, and the launcher exits when the mount answers.
//
// From then on the daemon is independent of its parent: it has its own session, its directory is /, and its standard
// streams are /dev/null (except stderr with DEBUG).
import { type Mount, exitNow, silence } from '../mount/mount.ts';
import type { CommandResult } from './command-result.ts';
import { withRealPaths } from './options/inherited-paths.ts';
import type { Launcher } from './launcher.ts';
import type { Announce, MountRequest } from './options/mount-request.ts';
import { TerminalReport } from './output/report.ts';
import { openMount, serveUntilUnmounted } from './serve.ts';

/** The result if the launcher has ended: nobody waits for this process. */
const ABANDONED: CommandResult = { text: '', status: 1, exitsNow: true };

/**
 * Mounts, and serves until the mount ends, unless the kernel serves it alone; then the process exits. Throws if the mount fails. If the launcher ends before
 * it has accepted the mount, everything is undone silently. The result of `announce` is printed when the mount answers.
 */
export async function mountInBackground(
  launcher: Launcher,
  request: MountRequest,
  announce?: Announce,
): Promise<CommandResult> {
  const report = new TerminalReport();
  let mount: Mount;
  try {
    mount = await openMount(withRealPaths(request, `/proc/${launcher.pid}/fd`), report, launcher.abandoned);
  } catch (error) {
    if (launcher.abandoned.aborted) return ABANDONED;
    throw error;
  } finally {
    report.end();
  }
  detachOnDefect(mount, report);
  process.chdir('/');
  if (announce !== undefined) await report.announce(announce(mount));
  if (!(await launcher.release())) {
    await mount.close();
    return ABANDONED;
  }
  // The kernel serves it alone.
  if (!mount.isServed) return { text: '', exitsNow: true };
  becomeSilent();
  await serveUntilUnmounted(mount, { warning: (text) => report.notice(text) });
  // A pool thread may still wait for a mount point that hangs.
  return { text: '', exitsNow: true };
}

function becomeSilent(): void {
  const hasDebug = (process.env['DEBUG'] ?? '') !== '';
  for (const fd of hasDebug ? [0, 1] : [0, 1, 2]) silence(fd);
}

/** Unmounts after an internal error, so that no dead mount remains. */
function detachOnDefect(mount: Mount, report: TerminalReport): void {
  process.on('uncaughtException', (error) => {
    report.failure(error, error.stack ?? '');
    void mount.unmount({ lazy: true }).finally(() => exitNow(1));
  });
}
