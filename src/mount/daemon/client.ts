// The side of the daemon's socket that asks: to mount an image, to wait for the end of a mount.
import { readlinkSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { resolve } from 'node:path';
import { isOwnPeer } from '../../sys/process-calls.ts';
import { InputError, type InputErrorCode } from '../../vfs/input-error.ts';
import { PartialReader, untilRecorded } from '../../layer/partial-layer.ts';
import { type WithDiskCache, withDiskCache } from '../cache-choice.ts';
import type { Image } from '../../image/image.ts';
import { openMergedLayers } from '../layers.ts';
import { openImageWith } from '../open-image.ts';
import type { MountOptions, OpenImageOptions } from '../options.ts';
import { originOf } from '../origin.ts';
import { viewSharing } from '../sharing.ts';
import { readMessages, writeMessage } from './message-line.ts';
import { type MountMessage, makeMountMessage } from './mount-message.ts';
import { remoteSettings } from './remote-settings.ts';
import { locateSocket } from './socket-place.ts';

type Message = Readonly<Record<string, unknown>>;

/** Connected to the daemon of this user at `path` (absolute). InputError where none listens, or it is somebody else's. */
async function connectTo(path: string): Promise<Socket> {
  const place = locateSocket(path, false);
  const socket = place === undefined ? undefined : connect(place);
  try {
    if (socket === undefined) throw Object.assign(new Error('no socket'), { code: 'ENOENT' });
    await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ECONNREFUSED'].includes(code)) throw error;
    throw new InputError(`no daemon serves ${path}; "stratafs serve" starts one`, { cause: error });
  }
  if (isOwnPeer(socket)) return socket;
  socket.destroy();
  throw new InputError(`${path}: the daemon is not this user's`);
}

/** The answer to `message`; `take` gets what comes before it. */
async function ask(
  socket: Socket,
  message: object,
  take: (message: Message) => void,
  signal?: AbortSignal,
): Promise<Message> {
  let answer: Message | undefined;
  const stop = (): void => void socket.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    writeMessage(socket, message);
    await readMessages(socket, (each) => {
      if ('error' in each || 'mounted' in each || 'ended' in each || 'pid' in each) answer = each;
      else take(each);
    }).catch((error: unknown) => {
      if (error instanceof InputError) throw error; // else the connection broke
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    socket.destroy();
  }
  signal?.throwIfAborted();
  if (answer === undefined) throw new InputError('the daemon ended before it answered');
  if (!('error' in answer)) return answer;
  const { message: text, code } = answer['error'] as { message?: unknown; code?: unknown };
  throw new InputError(
    String(text),
    typeof code === 'string' && code.startsWith('ERR_STRATAFS_') ? { code: code as InputErrorCode } : {},
  );
}

/**
 * Mounts by the daemon at `socket` (absolute); resolves when the mount answers. This process opens and indexes the image, so
 * that the daemon need not: it would keep its other mounts waiting. InputError where the image, the daemon or the machine
 * doesn't allow it.
 */
export async function mountByDaemon(
  socket: string,
  image: string | Image,
  mountpoint: string,
  options: MountOptions & OpenImageOptions,
  version: string,
): Promise<void> {
  // Reports at once that no daemon listens. To index an image may take longer than the daemon waits for a request.
  (await connectTo(socket)).destroy();
  const withCache = withDiskCache(options);
  const { diskCache } = withCache;
  if (diskCache === undefined) throw new InputError('a daemon needs a cache directory (XDG_CACHE_HOME)');
  const opened = typeof image === 'string' ? await openImageWith(image, withCache) : image;
  const rest = {
    version,
    namespace: readlinkSync('/proc/self/ns/mnt'),
    mountpoint: resolve(mountpoint),
    cacheDirectory: diskCache.path,
    origin: originOf(options),
  };
  makeMountMessage(opened, rest, options); // refuses what no daemon can do, before it takes time
  const remote = (await indexForDaemon(opened, withCache))
    ? await describeRemote(opened, options.signal)
    : undefined;
  await ask(
    await connectTo(socket),
    makeMountMessage(opened, rest, options, remote),
    ({ notice, warning }) => {
      if (typeof notice === 'string') options.onNotice?.(notice);
      if (typeof warning === 'string') options.onWarning?.(warning);
    },
    options.signal,
  );
}

/** Saves what the daemon needs of the layers. True if some of them are not here, and need not be. */
async function indexForDaemon(
  image: Image,
  options: WithDiskCache<MountOptions & OpenImageOptions>,
): Promise<boolean> {
  const merged = await openMergedLayers(image, viewSharing, options, { opensParts: true });
  merged.close();
  // The daemon goes on with the files that are closed here.
  await untilRecorded(merged.readers);
  return merged.readers.some((reader) => reader instanceof PartialReader);
}

async function describeRemote(
  { manifest, findIndexDigest }: Image,
  signal: AbortSignal | undefined,
): Promise<MountMessage['image']['remote']> {
  if (manifest === undefined) throw new Error('an image of a registry has no manifest');
  const index = await findIndexDigest?.(signal);
  return { manifest: manifest.digest, index, settings: remoteSettings() };
}

/** A mount of a daemon, whose end is waited for. */
export interface AwaitedEnd {
  readonly ended: Promise<void>;
  close(): void;
}

/** Resolves when the daemon knows that somebody waits; undefined where it can't be asked, as for another user. */
export async function watchEnd(socket: string, mountpoint: string): Promise<AwaitedEnd | undefined> {
  let connection: Socket;
  try {
    connection = await connectTo(socket);
  } catch {
    return undefined; // another user's, or its socket was removed: nobody to wait for
  }
  let ended: Promise<void> = Promise.resolve();
  await new Promise<void>((isWaiting) => {
    ended = ask(connection, { op: 'wait', mountpoint }, () => isWaiting()).then(
      () => isWaiting(),
      () => isWaiting(), // it died, and the mount with it
    );
  });
  return { ended, close: () => void connection.destroy() };
}
