// Serves one mount until it ends: the work of `mount --foreground`, and of the daemon.
import type { Mount, UpperOptions } from '../mount/mount.ts';
import { CopiedMountError, mount as mountImage, openLowerDirectories } from '../mount/mount.ts';
import { InputError } from '../vfs/input-error.ts';
import { describeFailure } from './failure.ts';
import type { MountRequest, UpperRequest } from './options/mount-request.ts';
import type { Report } from './output/report.ts';

/** Mounts what `request` asks for; resolves when the mount answers. Aborting undoes what was done so far. */
export async function openMount(request: MountRequest, report: Report, signal: AbortSignal): Promise<Mount> {
  const watch = {
    signal,
    onProgress: (progress: Parameters<Report['progress']>[0]) => report.progress(progress),
    onNotice: (text: string) => report.notice(text),
    onWarning: (text: string) => report.warning(text),
  };
  const selection = {
    ...(request.platform === undefined ? {} : { platform: request.platform }),
    ...(request.layer === undefined ? {} : { layer: request.layer }),
    ...(request.upto === undefined ? {} : { upto: request.upto }),
  };
  // Given as text, the image is opened after the mount point was looked at: it may be long in unpacking.
  const image =
    request.source.kind === 'image'
      ? request.source.text
      : await openLowerDirectories(request.source.text, selection);
  return mountImage(image, request.mountpoint, {
    ...selection,
    ...watch,
    flags: request.flags,
    useIndexCache: request.useIndexCache,
    ...(request.driver === undefined ? {} : { driver: request.driver }),
    ...(request.allowOther === undefined ? {} : { allowOther: request.allowOther }),
    ...(request.fsname === undefined ? {} : { fsname: request.fsname }),
    ...(request.cacheSize === undefined ? {} : { cacheSize: request.cacheSize }),
    ...(request.verify === undefined ? {} : { verify: request.verify }),
    ...(request.upper === undefined ? {} : { upper: upperOptions(request.upper, request.access === 'ro') }),
    ...(request.owners === undefined ? {} : { owners: request.owners }),
    ...(request.ownerKeeping === undefined ? {} : { ownerKeeping: request.ownerKeeping }),
    ...(request.usesUserXattrs === undefined ? {} : { usesUserXattrs: request.usesUserXattrs }),
    ...(request.usesFastPath === undefined ? {} : { usesFastPath: request.usesFastPath }),
    ...(request.tellsLayers === undefined ? {} : { tellsLayers: request.tellsLayers }),
    ...(request.usesAcl === undefined ? {} : { usesAcl: request.usesAcl }),
  });
}

/** `upper` was settled: it has a directory or is thrown away. */
function upperOptions(upper: UpperRequest, isReadOnly: boolean): UpperOptions {
  const {
    directory,
    workDirectory,
    isVolatile,
    keepsVolatileMark,
    metacopy,
    redirect,
    isForced,
    takesAufsForm,
  } = upper;
  const behaviour = {
    isReadOnly,
    ...(isVolatile === undefined ? {} : { isVolatile }),
    ...(keepsVolatileMark === undefined ? {} : { keepsVolatileMark }),
    ...(metacopy === undefined ? {} : { metacopy }),
    ...(redirect === undefined ? {} : { redirect }),
    ...(takesAufsForm === undefined ? {} : { takesAufsForm }),
    ...(isForced === undefined ? {} : { isForced }),
  };
  if (directory === undefined) return { ...behaviour, isThrowAway: true };
  return { ...behaviour, directory, ...(workDirectory === undefined ? {} : { workDirectory }) };
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
