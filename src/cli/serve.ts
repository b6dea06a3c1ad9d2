// Serves one mount until it ends, for `mount --foreground` and for the daemon.
import type { Mount } from '../mount/mount.ts';
import { CopiedMountError, mount as mountImage, openLowerDirectories } from '../mount/mount.ts';
import { InputError } from '../vfs/input-error.ts';
import { describeFailure } from './failure.ts';
import type { MountRequest } from './options/mount-request.ts';
import type { Report } from './output/report.ts';

/** Performs the requested mount, and resolves when it answers. Aborting undoes all steps so far. */
export async function openMount(request: MountRequest, report: Report, signal: AbortSignal): Promise<Mount> {
  const { source, mountpoint, options } = request;
  // Pass the image as text, so that it is opened after the mount point has been checked: unpacking it may take long.
  const image = source.kind === 'image' ? source.text : await openLowerDirectories(source.text, options);
  return mountImage(image, mountpoint, {
    ...options,
    signal,
    onProgress: (progress) => report.progress(progress),
    onNotice: (text) => report.notice(text),
    onWarning: (text) => report.warning(text),
  });
}

/**
 * Resolves when the mount has ended. The first SIGTERM, SIGINT or SIGHUP unmounts it. If it is busy, it stays mounted, and
 * the processes that use it are reported; the next signal detaches it, and open files are still served. If it is no longer
 * mounted here (another mount namespace has a copy, or it was detached), a signal ends it.
 */
export async function serveUntilUnmounted(mount: Mount, report: Pick<Report, 'warning'>): Promise<void> {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  let isRepeated = false;
  const onSignal = (): void => {
    void endMount(mount, isRepeated, report);
    isRepeated = true;
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await mount.closed;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

async function endMount(mount: Mount, isRepeated: boolean, report: Pick<Report, 'warning'>): Promise<void> {
  try {
    await mount.unmount({ lazy: isRepeated });
  } catch (error) {
    const isMountedHere = error instanceof InputError && !(error instanceof CopiedMountError);
    if (isMountedHere && !isRepeated) {
      report.warning(`${describeFailure(error)}; it stays mounted; a second signal detaches it`);
      return;
    }
    report.warning(`${describeFailure(error)}; it ends now`);
    await mount.abort();
  }
}
