// Has the daemon mount, and waits until its mount answers, or it says why not.
//
// The command does nothing else: every module that it loads before the daemon runs is time that the user waits.
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { InputError } from '../vfs/input-error.ts';
import { type DaemonMessage, encodeMessage, onMessages } from './daemon-messages.ts';
import { DaemonFailure } from './failure.ts';
import { withRealPaths } from './inherited-paths.ts';
import type { MountRequest } from './mount-request.ts';
import { TerminalReport } from './report.ts';

/**
 * Resolves when the mount answers and is the daemon's alone. Rejects with the daemon's reason. A signal to this
 * process makes the daemon undo everything first. `daemon` was just started.
 */
export async function mountInBackground(asked: MountRequest, daemon: ChildProcess): Promise<void> {
  if (daemon.pid === undefined) throw new InputError("the daemon can't be started: no process can be made");
  const request = withRealPaths(asked);
  const report = new TerminalReport();
  const socket = daemon.stdio[3] as Socket;
  const exit = new Promise<string>((resolve) => {
    daemon.once('exit', (status, signal) => {
      resolve(`the daemon ended before the mount answered (${signal ?? `status ${status ?? '?'}`})`);
    });
  });
  const answer = new Promise<DaemonMessage>((resolve) => {
    onMessages(socket, (received) => {
      const message = received as DaemonMessage;
      if (message.kind === 'progress') report.progress(message.progress);
      else if (message.kind === 'notice') report.notice(message.text);
      else if (message.kind === 'warning') report.warning(message.text);
      else resolve(message);
    });
  });
  // Where the daemon dies, `exit` tells it better.
  socket.on('error', () => undefined);
  const stopWatching = abandonOnSignal(socket, exit, report);
  try {
    socket.write(encodeMessage({ kind: 'request', request }));
    const outcome = await Promise.race([answer, exit.then(async (text) => lastWord(socket, answer, text))]);
    if (outcome.kind === 'failed') throw new DaemonFailure(outcome.text, outcome.stack);
    // From here on the mount is its own: there is nothing left to be undone, and nothing to wait for.
    stopWatching();
    await new Promise<void>((resolve) => socket.end(encodeMessage({ kind: 'taken' }), () => resolve()));
  } finally {
    stopWatching();
    report.end();
    socket.destroy();
    daemon.unref();
  }
}

/** The daemon has exited: what it said before may still lie in the socket. */
async function lastWord(
  socket: Socket,
  answer: Promise<DaemonMessage>,
  text: string,
): Promise<DaemonMessage> {
  const end = new Promise<DaemonMessage>((resolve) => {
    const failed = (): void => resolve({ kind: 'failed', text, stack: '' });
    if (socket.closed || socket.readableEnded) failed();
    else socket.once('close', failed).once('end', failed);
  });
  return Promise.race([answer, end]);
}

/** On a signal: lets go of the daemon, waits until it has undone everything, and then dies of that signal. */
function abandonOnSignal(socket: Socket, exit: Promise<string>, report: TerminalReport): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handlers = signals.map((signal) => {
    const handler = (): void => {
      socket.destroy();
      report.end();
      void exit.then(() => process.kill(process.pid, signal));
    };
    process.once(signal, handler);
    return [signal, handler] as const;
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
