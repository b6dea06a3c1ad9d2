// The daemon as a command, and the command that asks it for a mount.
import { resolve } from 'node:path';
import { Daemon } from '../mount/daemon/daemon.ts';
import { mountByDaemon } from '../mount/daemon/client.ts';
import { defaultSocket } from '../mount/daemon/socket-place.ts';
import { openLowerDirectories } from '../mount/mount.ts';
import { DEFAULT_CACHE_SIZE } from '../mount/options.ts';
import type { CommandResult } from './command-result.ts';
import { describeFailure } from './failure.ts';
import { Interrupt } from './interrupt.ts';
import { withRealPaths } from './options/inherited-paths.ts';
import type { MountRequest } from './options/mount-request.ts';
import { TerminalReport } from './output/report.ts';
import { readVersion } from './version.ts';

const socketOf = (typed: string | undefined): string =>
  typed === undefined ? defaultSocket() : resolve(typed);

export interface RunDaemonOptions {
  /** As typed; by default that of this user. */
  readonly socket: string | undefined;
  readonly cacheSize: number | undefined;
  readonly isVerbose: boolean;
}

/** Serves until it was ended by a signal and the last mount is gone. */
export async function runDaemon({ socket, cacheSize, isVerbose }: RunDaemonOptions): Promise<CommandResult> {
  const report = new TerminalReport();
  const daemon = await Daemon.start({
    socket: socketOf(socket),
    cacheSize: cacheSize ?? DEFAULT_CACHE_SIZE,
    version: readVersion(),
  });
  let isRepeated = false;
  const end = async (lazy: boolean): Promise<void> => {
    for (const failure of await daemon.end({ lazy })) {
      const rest = lazy ? '' : '; it stays mounted; a second signal detaches it';
      report.warning(`${describeFailure(failure)}${rest}`);
    }
  };
  const onSignal = (): void => {
    void end(isRepeated);
    isRepeated = true;
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  try {
    if (isVerbose) report.notice(`serving ${daemon.socket}`);
    await daemon.closed;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
  // A pool thread may still wait for a mount point that hangs.
  return { text: '', exitsNow: true };
}

/** Asks the daemon for the mount; resolves when it answers. An interrupt undoes everything and throws Interrupted. */
export async function requestMount(request: MountRequest, socket: string | undefined): Promise<void> {
  const report = new TerminalReport();
  const interrupt = new Interrupt();
  try {
    const { source, mountpoint, options } = withAbsolutePaths(
      withRealPaths(request, `/proc/${process.pid}/fd`),
    );
    const image = source.kind === 'image' ? source.text : await openLowerDirectories(source.text, options);
    await mountByDaemon(
      socketOf(socket),
      image,
      mountpoint,
      {
        ...options,
        signal: interrupt.signal,
        onProgress: (progress) => report.progress(progress),
        onNotice: (text) => report.notice(text),
        onWarning: (text) => report.warning(text),
      },
      readVersion(),
    );
  } finally {
    interrupt.stop();
    report.end();
  }
}

/** The daemon has another working directory. */
function withAbsolutePaths(request: MountRequest): MountRequest {
  const { upper } = request.options;
  if (upper === undefined || 'isThrowAway' in upper) return request;
  const { directory, workDirectory } = upper;
  const absolute = {
    ...upper,
    directory: resolve(directory),
    workDirectory: workDirectory === undefined ? undefined : resolve(workDirectory),
  };
  return { ...request, options: { ...request.options, upper: absolute } };
}
