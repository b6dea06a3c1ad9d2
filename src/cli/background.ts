// Mounts in the background: this process becomes the daemon, and the launcher exits when the mount answers.
//
// From then on the daemon is independent of its parents, except that the keeper may start another one after it: it has its own session, its directory is /, and its standard
// streams are /dev/null (except stderr with DEBUG).
import { type Mount, exitNow, silence } from '../mount/mount.ts';
import { DEFECT_STATUS, HOPELESS_STATUS, type Keeper } from '../mount/keeper/keeper.ts';
import { mountSharing } from '../mount/sharing.ts';
import type { CommandResult } from './command-result.ts';
import { withRealPaths } from './options/inherited-paths.ts';
import type { Parents } from './launcher.ts';
import type { Announce, MountRequest } from './options/mount-request.ts';
import { TerminalReport } from './output/report.ts';
import { openMount, serveUntilUnmounted } from './serve.ts';

/** The result if the launcher has ended: nobody waits for this process. */
const ABANDONED: CommandResult = { text: '', status: 1, exitsNow: true };

/**
 * Mounts, and serves until the mount ends, unless the kernel serves it alone; then the process exits. Throws if the mount fails. If the launcher ends before
 * it has accepted the mount, everything is undone silently. The result of `announce` is printed when the mount answers. A
 * process without a launcher goes on with the mount that the keeper holds.
 */
export async function mountInBackground(
  { launcher, keeper }: Parents,
  request: MountRequest,
  announce?: Announce,
): Promise<CommandResult> {
  const report = new TerminalReport();
  if (launcher === undefined) return goOn(keeper, request, report);
  let mount: Mount;
  try {
    const real = withRealPaths(request, `/proc/${launcher.pid}/fd`);
    mount = await openMount(real, report, launcher.abandoned, keeper);
  } catch (error) {
    if (launcher.abandoned.aborted) return ABANDONED;
    throw error;
  } finally {
    report.end();
  }
  detachOnDefect(mount, keeper, report);
  process.chdir('/');
  if (announce !== undefined) await report.announce(announce(mount));
  if (!(await launcher.release())) {
    await mount.close();
    return ABANDONED;
  }
  if (request.restart === 'off') keeper?.leave();
  else keeper?.keep(request.restart);
  // The kernel serves it alone.
  if (!mount.isServed) return { text: '', exitsNow: true };
  return serveInSilence(mount, keeper, report);
}

/** Goes on with the mount that the keeper holds. Only the exit status says why that fails. */
async function goOn(
  keeper: Keeper | undefined,
  { options }: MountRequest,
  report: TerminalReport,
): Promise<CommandResult> {
  const { isHopeless, resumeMount } = await import('../mount/keeper/resume.ts');
  let mount: Mount;
  try {
    mount = await resumeMount(
      { ...options, onProgress: () => keeper?.starts() },
      { sharing: mountSharing, keeper },
    );
  } catch (error) {
    report.failure(error);
    return { text: '', status: isHopeless(error) ? HOPELESS_STATUS : DEFECT_STATUS, exitsNow: true };
  }
  keeper?.goesOn();
  detachOnDefect(mount, keeper, report);
  process.chdir('/');
  return serveInSilence(mount, keeper, report);
}

async function serveInSilence(
  mount: Mount,
  keeper: Keeper | undefined,
  report: TerminalReport,
): Promise<CommandResult> {
  becomeSilent();
  await serveUntilUnmounted(mount, { warning: (text) => report.notice(text) }, keeper);
  // A pool thread may still wait for a mount point that hangs.
  return { text: '', exitsNow: true };
}

function becomeSilent(): void {
  const hasDebug = (process.env['DEBUG'] ?? '') !== '';
  for (const fd of hasDebug ? [0, 1] : [0, 1, 2]) silence(fd);
}

/** After an internal error the next daemon goes on. If there is none, it unmounts, so that no dead mount remains. */
function detachOnDefect(mount: Mount, keeper: Keeper | undefined, report: TerminalReport): void {
  process.on('uncaughtException', (error) => {
    report.failure(error, error.stack ?? '');
    if (keeper?.isHolding === true) exitNow(DEFECT_STATUS);
    void mount.unmount({ lazy: true }).finally(() => exitNow(1));
  });
}
