// Serves one mount until it ends: the work of `mount --foreground`, and of the daemon.
import type { Mount } from '../mount/mount.ts';
import { CopiedMountError, mount as mountImage, openLowerDirectories } from '../mount/mount.ts';
import { InputError } from '../vfs/input-error.ts';
import { describeFailure } from './failure.ts';
import type { MountRequest } from './options/mount-request.ts';
import type { Report } from './output/report.ts';

/** Mounts what `request` asks for; resolves when the mount answers. Aborting undoes what was done so far. */
export async function openMount(request: MountRequest, report: Report, signal: AbortSignal): Promise<Mount> {
  const { source, mountpoint, options } = request;
  // Given as text, the image is opened after the mount point was looked at: unpacking it may take long.
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
 * Resolves when the mount has ended. The first of SIGTERM, SIGINT and SIGHUP unmounts it; where it is busy it stays, and
 * the processes that hold it go to `report`; the next one detaches it, and what is still open goes on being served. Where
 * it is not mounted here any more (another mount namespace has a copy, or it was detached), a signal ends it.
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
