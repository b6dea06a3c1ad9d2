// One message of the daemon's protocol: a JSON value in one line of UTF-8, bounded.
import type { Socket } from 'node:net';
import { InputError } from '../../vfs/input-error.ts';

/** Bytes of a line: an image of a thousand layers has some 300 KB. */
export const MAX_LINE = 1 << 20;

export function writeMessage(socket: Socket, message: object): void {
  socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `take` with each message. Rejects with InputError for a line that is too long, or no JSON object. */
export async function readMessages(
  socket: Socket,
  take: (message: Readonly<Record<string, unknown>>) => void,
): Promise<void> {
  let pieces: Buffer[] = [];
  let length = 0;
  // The socket stays open for an answer to a malformed message.
  for await (const piece of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', start)) {
      pieces.push(piece.subarray(start, end));
      if (length + end - start > MAX_LINE) throw tooLong();
      take(parseMessage(Buffer.concat(pieces)));
      pieces = [];
      length = 0;
      start = end + 1;
    }
    pieces.push(piece.subarray(start));
    length += piece.length - start;
    if (length > MAX_LINE) throw tooLong();
  }
}

function parseMessage(line: Buffer): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(line.toString('utf8'));
  } catch {
    json = undefined;
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>;
  }
  throw new InputError('found a line that is not a JSON object, expected a message');
}

const tooLong = (): InputError =>
  new InputError(`found a message of more than ${MAX_LINE} bytes, expected a shorter one`);
