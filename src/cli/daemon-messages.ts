// What the `mount` command and its daemon tell each other over a socket pair: one JSON value a line.
//
//   command -> daemon:  the request; after `ready`, `taken`.
//   daemon -> command:  progress, notices and warnings, then one of ready and failed, and nothing more.
//
// Whoever sees the socket end earlier knows that the other is gone: the daemon then undoes everything.
import type { Readable } from 'node:stream';
import type { Progress } from '../mount.ts';
import type { MountRequest } from './mount-request.ts';

export type CommandMessage =
  { readonly kind: 'request'; readonly request: MountRequest } | { readonly kind: 'taken' };

export type DaemonMessage =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'notice' | 'warning'; readonly text: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly text: string; readonly stack: string };

export function encodeMessage(message: CommandMessage | DaemonMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Calls `onMessage` for each whole line. What the peer sends may be trusted: the same version of this file wrote it. */
export function onMessages(stream: Readable, onMessage: (message: unknown) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onMessage(JSON.parse(line));
  });
}
