// Serves one mount until it ends, for `mount --foreground` and for the daemon.
import type { Keeper } from '../mount/keeper/keeper.ts';
import type { Mount, Progress } from '../mount/mount.ts';
import { CopiedMountError, mount as mountImage, openLowerDirectories } from '../mount/mount.ts';
import { mountSharing } from '../mount/sharing.ts';
import { InputError } from '../vfs/input-error.ts';
import { describeFailure } from './failure.ts';
import type { MountRequest } from './options/mount-request.ts';
import type { Report } from './output/report.ts';

/** Performs the requested mount, and resolves when it answers. Aborting undoes all steps so far. */
export async function openMount(
  request: MountRequest,
  report: Report,
  signal: AbortSignal,
  keeper?: Keeper,
): Promise<Mount> {
  const { source, mountpoint, options } = request;
  // Pass the image as text, so that it is opened after the mount point has been checked: unpacking it may take long.
  const image = source.kind === 'image' ? source.text : await openLowerDirectories(source.text, options);
  const watched = {
    ...options,
    signal,
    onProgress: (progress: Progress) => report.progress(progress),
    onNotice: (text: string) => report.notice(text),
    onWarning: (text: string) => report.warning(text),
  };
  return mountImage(image, mountpoint, watched, { sharing: mountSharing, keeper });
}

/**
 * Resolves when the mount has ended. The first SIGTERM or SIGINT unmounts it. If it is busy, it stays mounted, and
 * the processes that use it are reported; the next signal detaches it, and open files are still served. If it is no longer
 * mounted here (another mount namespace has a copy, or it was detached), a signal ends it. SIGHUP hands the mount over to
 * another daemon if `keeper` holds it; else it is as SIGTERM.
 */
export async function serveUntilUnmounted(
  mount: Mount,
  report: Pick<Report, 'warning'>,
  keeper?: Keeper,
): Promise<void> {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  const askedHere = new Requests(mount, report, keeper);
  // A signal to a group of processes reaches the keeper too: that is not a second one.
  const askedThere = new Requests(mount, report, keeper);
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGHUP' && keeper?.isHolding === true) void keeper.handOver();
    else askedHere.end();
  };
  keeper?.onRequest((request) => {
    if (request === 'hand over') void keeper.handOver();
    else askedThere.end();
  });
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await mount.closed;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** Requests of one sender to end the mount. */
class Requests {
  readonly #mount: Mount;
  readonly #report: Pick<Report, 'warning'>;
  readonly #keeper: Keeper | undefined;
  #isRepeated = false;

  constructor(mount: Mount, report: Pick<Report, 'warning'>, keeper: Keeper | undefined) {
    this.#mount = mount;
    this.#report = report;
    this.#keeper = keeper;
  }

  end(): void {
    this.#keeper?.ends();
    void endMount(this.#mount, this.#isRepeated, this.#report).then((hasEnded) => {
      if (!hasEnded) this.#keeper?.stays();
    });
    this.#isRepeated = true;
  }
}

/** False if it stays mounted, because it is busy. */
async function endMount(
  mount: Mount,
  isRepeated: boolean,
  report: Pick<Report, 'warning'>,
): Promise<boolean> {
  try {
    await mount.unmount({ lazy: isRepeated });
    return true;
  } catch (error) {
    const isMountedHere = error instanceof InputError && !(error instanceof CopiedMountError);
    if (isMountedHere && !isRepeated) {
      report.warning(`${describeFailure(error)}; it stays mounted; a second signal detaches it`);
      return false;
    }
    report.warning(`${describeFailure(error)}; it ends now`);
    await mount.abort();
    return true;
  }
}
