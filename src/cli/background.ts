// Mounts in the background: this process becomes the daemon, and its launcher returns to the shell when the mount answers.
//
// From then on nothing ties the daemon to whoever started it: it has a session of its own, its directory is /, its standard
// streams are /dev/null (with DEBUG, stderr stays).
import { type Mount, exitNow, silence } from '../mount/mount.ts';
import { describeFailure } from './failure.ts';
import { withRealPaths } from './options/inherited-paths.ts';
import type { Launcher } from './launcher.ts';
import type { MountRequest } from './options/mount-request.ts';
import { TerminalReport } from './output/report.ts';
import { openMount, serveUntilUnmounted } from './serve.ts';

/**
 * Mounts, and serves until the mount ends; then the process ends. Throws why the mount can't be. Where the launcher is gone
 * before it took the mount, everything is undone, and nothing is said. `announce` is called when the mount answers.
 */
export async function mountInBackground(
  launcher: Launcher,
  asked: MountRequest,
  announce: () => void = () => undefined,
): Promise<never> {
  const report = new TerminalReport();
  let mount: Mount;
  try {
    mount = await openMount(withRealPaths(asked, `/proc/${launcher.pid}/fd`), report, launcher.abandoned);
  } catch (error) {
    if (launcher.abandoned.aborted) exitNow(1);
    throw error;
  } finally {
    report.end();
  }
  detachOnDefect(mount);
  process.chdir('/');
  announce();
  if (!(await launcher.release())) {
    await mount.close();
    exitNow(1);
  }
  becomeSilent();
  await serveUntilUnmounted(mount, { warning: (text) => process.stderr.write(`stratafs: ${text}\n`) });
  // A mount point that hangs may have kept a pool thread, which Node's own exit would wait for.
  exitNow(0);
}

function becomeSilent(): void {
  const hasDebug = (process.env['DEBUG'] ?? '') !== '';
  for (const fd of hasDebug ? [0, 1] : [0, 1, 2]) silence(fd);
}

/** A defect of ours must not leave a dead mount behind. */
function detachOnDefect(mount: Mount): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`stratafs: ${describeFailure(error)}\n${error.stack ?? ''}\n`);
    void mount.unmount({ lazy: true }).finally(() => exitNow(1));
  });
}
