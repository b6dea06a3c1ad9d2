// Daemon: serves many mounts from one process, for its own user alone, who asks for them through a socket.
//
// It never touches a mount of its own synchronously, for it would wait for itself: paths that lead into one are refused.
// A failure concerns the request that it belongs to.
import { closeSync, constants, openSync, readlinkSync, rmSync } from 'node:fs';
import { chmod, realpath, stat } from 'node:fs/promises';
import { type Server, type Socket, createServer } from 'node:net';
import createDebug from 'debug';
import { LoopTurns } from '../../sys/loop-turns.ts';
import { isOwnPeer } from '../../sys/process-calls.ts';
import { lockFile } from '../../sys/upper-calls.ts';
import { InputError } from '../../vfs/input-error.ts';
import { type Mount, mount } from '../mount.ts';
import { CopiedMountError } from '../served-mount.ts';
import { Sharing } from '../sharing.ts';
import { readMessages, writeMessage } from './message-line.ts';
import { absolutePath } from './message-check.ts';
import {
  type MountMessage,
  type UnderstoodMount,
  readMountMessage,
  understandMount,
} from './mount-message.ts';
import { openRemoteImage } from './remote-image.ts';
import { remoteSettings } from './remote-settings.ts';
import { locateSocket } from './socket-place.ts';

const debug = createDebug('stratafs:daemon');

/** Connections at a time. */
const MAX_CONNECTIONS = 256;
/** For a whole request to arrive, milliseconds. */
const REQUEST_TIMEOUT = 10_000;
const LOCK_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface DaemonOptions {
  /** Absolute. */
  readonly socket: string;
  /** Bytes of memory for decompressed blocks, of all mounts together. */
  readonly cacheSize: number;
  /** Of stratafs; a client of another one is refused. */
  readonly version: string;
}

interface Served {
  readonly mount: Mount;
  /** st_dev of the mount. */
  readonly device: number;
}

interface UsedDirectory {
  /** Without symlinks, unless it is missing. */
  readonly path: string;
}

export class Daemon {
  /** The path of the socket, without symlinks. */
  readonly socket: string;
  /** Resolves when it was ended, and the last mount is gone. */
  readonly closed: Promise<void>;
  readonly #version: string;
  readonly #lock: number;
  readonly #server: Server;
  readonly #sharing: Sharing;
  /** At the start: paths in an environment may be relative. */
  readonly #settings = remoteSettings();
  readonly #turns = new LoopTurns();
  readonly #served = new Map<string, Served>();
  /** Those in which images of registries are being opened, or bytes of their layers come: the daemon uses them at any time. */
  readonly #cacheDirectories = new Set<UsedDirectory>();
  readonly #connections = new Set<Socket>();
  #underWay = 0;
  /** Resolves when the last mount asked for so far is made, or has failed. */
  #lastMount: Promise<unknown> = Promise.resolve();
  #isEnding = false;
  #isClosed = false;
  #resolveClosed: () => void = () => undefined;

  private constructor(socket: string, lock: number, { cacheSize, version }: DaemonOptions) {
    this.socket = socket;
    this.#lock = lock;
    this.#version = version;
    this.#sharing = new Sharing(cacheSize);
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#server = createServer((connection) => void this.#converse(connection));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Listens; InputError where another daemon does, or the socket can't be made in a directory of this user alone. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const place = locateSocket(options.socket, true);
    if (place === undefined) throw new InputError(`${options.socket}: its directory was removed meanwhile`);
    const lock = openSync(`${place}.lock`, LOCK_FLAGS, 0o600);
    try {
      if (lockFile(lock) < 0) throw new InputError(`${place}: another daemon serves this socket`);
      // Whose lock is free is dead: so is the socket that it left.
      rmSync(place, { force: true });
      const daemon = new Daemon(place, lock, options);
      await daemon.#listen();
      return daemon;
    } catch (error) {
      closeSync(lock);
      throw error;
    }
  }

  /** Mount points, in the order of mounting. */
  get mountpoints(): string[] {
    return [...this.#served.keys()];
  }

  /**
   * Takes no more requests, and unmounts what is free, the last first; with `lazy` detaches what is busy too. Returns why mounts
   * stay. `closed` resolves when the last is gone.
   */
  async end({ lazy = false } = {}): Promise<Error[]> {
    this.#isEnding = true;
    const failures: Error[] = [];
    for (const { mount: each } of [...this.#served.values()].reverse()) {
      try {
        await each.unmount({ lazy });
      } catch (error) {
        if (error instanceof CopiedMountError) await each.abort();
        else failures.push(error as Error);
      }
    }
    this.#closeIfDone();
    return failures;
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.socket, MAX_CONNECTIONS, () => resolve());
    });
    await chmod(this.socket, 0o600);
    this.#server.on('error', (error) => debug('%O', error));
  }

  #closeIfDone(): void {
    if (this.#isClosed || !this.#isEnding || this.#served.size > 0 || this.#underWay > 0) return;
    this.#isClosed = true;
    this.#server.close();
    for (const connection of this.#connections) connection.destroySoon();
    this.#turns.close();
    closeSync(this.#lock);
    this.#resolveClosed();
  }

  /** One request a connection, from this user. Whatever fails is the answer. */
  async #converse(connection: Socket): Promise<void> {
    connection.on('error', (error) => debug('%O', error)); // EPIPE, ECONNRESET: the client is gone
    if (!isOwnPeer(connection)) {
      connection.destroy();
      return;
    }
    this.#connections.add(connection);
    const gone = new AbortController();
    connection.on('close', () => {
      this.#connections.delete(connection);
      gone.abort(new InputError('the client has gone'));
    });
    const timer = setTimeout(() => connection.destroy(), REQUEST_TIMEOUT);
    let isAsked = false;
    try {
      await readMessages(connection, (message) => {
        clearTimeout(timer);
        if (isAsked) throw new InputError('found a second request, expected one a connection');
        isAsked = true;
        void this.#answer(connection, message, gone.signal);
      });
    } catch (error) {
      this.#fail(connection, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #answer(
    connection: Socket,
    message: Readonly<Record<string, unknown>>,
    gone: AbortSignal,
  ): Promise<void> {
    try {
      const answer = await this.#perform(connection, message, gone);
      writeMessage(connection, answer);
      connection.destroySoon();
    } catch (error) {
      this.#fail(connection, error);
    } finally {
      this.#closeIfDone();
    }
  }

  #fail(connection: Socket, error: unknown): void {
    debug('%O', error);
    const { message, code } = error as NodeJS.ErrnoException;
    writeMessage(connection, { error: { message, code } });
    connection.destroySoon();
  }

  #perform(
    connection: Socket,
    message: Readonly<Record<string, unknown>>,
    gone: AbortSignal,
  ): Promise<object> {
    switch (message['op']) {
      case 'mount':
        return this.#countedMount(connection, readMountMessage(message), gone);
      case 'wait':
        return this.#wait(connection, absolutePath(message['mountpoint'], 'mountpoint'), gone);
      case 'status':
        return Promise.resolve(this.#status());
      default:
        throw new InputError('found another request, expected mount, wait or status');
    }
  }

  #status(): object {
    const { cache, layers, trees } = this.#sharing;
    return {
      pid: process.pid,
      version: this.#version,
      mounts: this.#served.size,
      layers: layers.size,
      trees: trees.size,
      longestTurn: this.#turns.longest(),
      cache: cache.statistics(),
    };
  }

  /** The daemon does not end meanwhile. One at a time: what is mounted next may lead into what is mounted now. */
  async #countedMount(connection: Socket, message: MountMessage, gone: AbortSignal): Promise<object> {
    this.#underWay++;
    try {
      if (message.image.remote !== undefined) return await this.#mountRemote(connection, message, gone);
      return await this.#mountInTurn(() => this.#mount(connection, message, understandMount(message), gone));
    } finally {
      this.#underWay--;
    }
  }

  async #mountInTurn<T>(body: () => Promise<T>): Promise<T> {
    const mounting = this.#lastMount.then(body);
    this.#lastMount = mounting.catch(() => undefined);
    return mounting;
  }

  /** A registry that does not answer keeps no other mount waiting. */
  async #mountRemote(connection: Socket, message: MountMessage, gone: AbortSignal): Promise<object> {
    const used = { path: await realPathOf(message.cacheDirectory) };
    let mounted: Mount | undefined;
    this.#cacheDirectories.add(used);
    try {
      await this.#lastMount; // those after it see that the directory is used
      await this.#requireMountable(message);
      const image = await openRemoteImage(message, this.#settings, gone);
      try {
        const understood = { ...understandMount(message), image };
        return await this.#mountInTurn(async () => {
          const answer = await this.#mount(connection, message, understood, gone);
          mounted = this.#served.get(answer.mounted)?.mount;
          return answer;
        });
      } finally {
        image.release?.();
      }
    } finally {
      const end = (): boolean => this.#cacheDirectories.delete(used);
      if (mounted === undefined) end();
      else void mounted.closed.then(end);
    }
  }

  async #requireMountable(message: MountMessage): Promise<void> {
    this.#requireServing();
    if (message.version !== this.#version) {
      throw new InputError(
        `the daemon is of version ${this.#version}, expected ${message.version}: start it again`,
      );
    }
    if (message.namespace !== readlinkSync('/proc/self/ns/mnt')) {
      throw new InputError('the daemon is in another mount namespace: its mounts would not show here');
    }
    await this.#refuseOwn(message);
  }

  async #mount(
    connection: Socket,
    message: MountMessage,
    { image, options, origin }: UnderstoodMount,
    gone: AbortSignal,
  ): Promise<{ readonly mounted: string; readonly milliseconds: number }> {
    await this.#requireMountable(message);
    const started = performance.now();
    const mounted = await mount(
      image,
      message.mountpoint,
      {
        ...options,
        signal: gone,
        onNotice: (notice) => writeMessage(connection, { notice }),
        onWarning: (warning) => writeMessage(connection, { warning }),
      },
      { sharing: this.#sharing, daemon: { socket: this.socket, origin } },
    );
    const milliseconds = performance.now() - started;
    // A failure: it is gone again, and `closed` follows.
    const device = await stat(mounted.mountpoint).then(
      ({ dev }) => dev,
      () => -1,
    );
    this.#served.set(mounted.mountpoint, { mount: mounted, device });
    void mounted.closed.then(() => {
      if (this.#served.get(mounted.mountpoint)?.mount === mounted) this.#served.delete(mounted.mountpoint);
      this.#closeIfDone();
    });
    try {
      gone.throwIfAborted();
      this.#requireServing();
    } catch (error) {
      await mounted.close();
      throw error;
    }
    return { mounted: mounted.mountpoint, milliseconds };
  }

  #requireServing(): void {
    if (this.#isEnding) throw new InputError('the daemon is ending');
  }

  /** Resolves when what is mounted on `mountpoint` now is gone, and all of it is closed. */
  async #wait(connection: Socket, mountpoint: string, gone: AbortSignal): Promise<object> {
    const served = this.#served.get(mountpoint);
    writeMessage(connection, { waiting: served !== undefined });
    if (served === undefined) return { ended: mountpoint };
    this.#connections.delete(connection); // its answer ends it, not the end of the daemon
    const leaving = new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve()));
    await Promise.race([served.mount.closed, leaving]);
    return { ended: mountpoint };
  }

  /** Such a path would be opened by a system call that waits for this very thread. */
  async #refuseOwn({ mountpoint, cacheDirectory, image, options: { upper } }: MountMessage): Promise<void> {
    const place = await realPathOf(mountpoint);
    const covered = [...this.#cacheDirectories].find(({ path }) => `${path}/`.startsWith(`${place}/`));
    if (covered !== undefined) {
      throw new InputError(
        `${mountpoint}: covers ${covered.path}, in which the daemon keeps bytes of registries: it would wait for itself; mount it without --daemon`,
      );
    }
    const devices = new Set([...this.#served.values()].map(({ device }) => device));
    if (devices.size === 0) return;
    const blobs = image.layers.map(({ blob }) => blob.path);
    const paths = [mountpoint, cacheDirectory, upper?.directory, upper?.workDirectory, ...blobs];
    for (const path of new Set(paths.filter((each) => each !== undefined))) {
      // A symlink inside a mount leads out of it, and is read in it.
      const leadsThrough = [...this.#served.keys()].some((mounted) => path.startsWith(`${mounted}/`));
      const endsIn = await stat(path).then(
        ({ dev }) => devices.has(dev),
        () => false, // what is missing, mounting says
      );
      if (!leadsThrough && !endsIn) continue;
      if (path === mountpoint && this.#served.has(path)) continue; // mounting says that something is mounted there
      throw new InputError(
        `${path}: lies in a mount of the same daemon, which would wait for itself; mount it without --daemon, or by another daemon (--socket)`,
      );
    }
  }
}

function realPathOf(path: string): Promise<string> {
  return realpath(path).catch(() => path); // ENOENT
}
