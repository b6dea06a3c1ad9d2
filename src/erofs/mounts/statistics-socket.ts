// How the process that serves the compressed layers of a mount states what it counted. No path leads to the file system that
// it serves, so there is a socket beside the record of the mount, for root only.
import createDebug from 'debug';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type Server, connect, createServer } from 'node:net';
import { statisticsSocketOf } from './records.ts';

const debug = createDebug('stratafs:mount');

const MAX_ANSWER = 1 << 16;
const ANSWER_TIMEOUT_MS = 5000;

/**
 * Answers everybody who connects with what `count` returns, as JSON, until it is closed. Never keeps the process alive.
 * Undefined where no socket can be made: a mount is good without it.
 */
export async function serveStatistics(device: string, count: () => object): Promise<Server | undefined> {
  const path = statisticsSocketOf(device);
  rmSync(path, { force: true }); // of an earlier mount with this number
  const server = createServer((socket) => {
    socket.unref();
    socket.on('error', () => undefined); // EPIPE: nobody waits for the answer
    socket.end(JSON.stringify(count()));
  });
  try {
    // Without write permission nobody can connect.
    server.listen({ path, readableAll: false, writableAll: false });
    await once(server, 'listening');
    server.on('error', (error) => debug('%s: %O', path, error)); // EMFILE: this one is not answered
    return server.unref();
  } catch (error) {
    debug('no socket at %s: %o', path, error);
    return undefined;
  }
}

/** What the process of the mount with this device counted; undefined if it does not answer, or not to this user. */
export async function askStatistics(device: string): Promise<unknown> {
  const socket = connect({ path: statisticsSocketOf(device), timeout: ANSWER_TIMEOUT_MS });
  socket.on('timeout', () => socket.destroy(new Error('no answer')));
  let text = '';
  try {
    for await (const piece of socket.setEncoding('utf8') as AsyncIterable<string>) {
      text += piece;
      if (text.length > MAX_ANSWER) return undefined;
    }
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // ENOENT, ECONNREFUSED: no process; EACCES: not root; SyntaxError
  } finally {
    socket.destroy();
  }
}
