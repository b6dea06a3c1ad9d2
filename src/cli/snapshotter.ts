// `stratafs snapshotter` as a program: serves until a signal ends it, and logs what happens as lines of JSON on standard error.
import { resolve } from 'node:path';
import { type Log, SnapshotterServer } from '../snapshotter/server.ts';
import type { CommandResult } from './command-result.ts';
import { TerminalReport } from './output/report.ts';

export const DEFAULT_ROOT = '/var/lib/stratafs/snapshotter';
export const DEFAULT_SOCKET = '/run/stratafs/snapshotter/snapshotter.sock';

export interface RunSnapshotterOptions {
  /** As typed; the defaults without it. */
  readonly root: string | undefined;
  readonly socket: string | undefined;
  readonly metricsPort: number | undefined;
  readonly trustsIndex: boolean;
  readonly fillsLayers: boolean;
  readonly isVerbose: boolean;
}

/** Serves until SIGTERM, SIGINT or SIGHUP. */
export async function runSnapshotter({
  root,
  socket,
  isVerbose,
  ...options
}: RunSnapshotterOptions): Promise<CommandResult> {
  const report = new TerminalReport();
  const log: Log = (level, event, fields = {}) => {
    if (level === 'debug' && !isVerbose) return;
    report.line(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
  };
  const ended = untilSignal();
  const server = await SnapshotterServer.start({
    root: resolve(root ?? DEFAULT_ROOT),
    socket: resolve(socket ?? DEFAULT_SOCKET),
    ...options,
    log,
  });
  log('info', 'ending', { signal: await ended });
  await server.end();
  // A pool thread may still wait for a mount that hangs.
  return { text: '', exitsNow: true };
}

function untilSignal(): Promise<string> {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  return new Promise((done) => {
    for (const signal of signals) process.once(signal, done);
  });
}
