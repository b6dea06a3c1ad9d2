// The snapshotter as a server: the socket that containerd connects to, and the lifetime of everything.
//
// The socket is root's alone (0600, in a directory of mode 0700). One that a killed snapshotter has left is replaced: the lock of
// the root directory says that it is dead.
import { rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { locateSocket } from '../mount/daemon/socket-place.ts';
import { InputError } from '../vfs/input-error.ts';
import { Metrics, serveMetrics } from './metrics.ts';
import { makeService } from './service.ts';
import { Snapshotter, type SnapshotterWatch } from './snapshotter.ts';
import { SnapshotsService } from './wire/snapshots.ts';

/** How long requests that are under way may take when the server ends, milliseconds. */
const END_TIMEOUT = 10_000;

export interface SnapshotterServerOptions {
  /** Absolute. */
  readonly root: string;
  readonly socket: string;
  /** Of 127.0.0.1; undefined: no metrics. */
  readonly metricsPort: number | undefined;
  readonly trustsIndex: boolean;
  readonly fillsLayers: boolean;
  readonly log: Log;
}

/** Gets one event after the other. */
export type Log = (
  level: 'debug' | 'info' | 'warning',
  event: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export class SnapshotterServer {
  readonly socket: string;
  /** Of the metrics, if they are served. */
  readonly metricsPort: number | undefined;
  readonly #server: Server;
  readonly #snapshotter: Snapshotter;
  readonly #closeMetrics: () => void;

  private constructor(
    socket: string,
    server: Server,
    snapshotter: Snapshotter,
    metrics: Awaited<ReturnType<typeof serveMetrics>> | undefined,
  ) {
    this.socket = socket;
    this.metricsPort = metrics?.port;
    this.#server = server;
    this.#snapshotter = snapshotter;
    this.#closeMetrics = () => void metrics?.server.close();
  }

  /** Listens. InputError where the directories or the machine don't allow it. */
  static async start({ metricsPort, log, ...options }: SnapshotterServerOptions): Promise<SnapshotterServer> {
    if (process.geteuid?.() !== 0) throw new InputError('only root can serve snapshots: containerd is root');
    const socket = locateSocket(options.socket, true);
    if (socket === undefined) throw new InputError(`${options.socket}: its directory was removed meanwhile`);
    const metrics = new Metrics();
    const snapshotter = await Snapshotter.open({ ...options, watch: watchFor(metrics, log) });
    let served: Awaited<ReturnType<typeof serveMetrics>> | undefined;
    try {
      const server = new Server();
      const service = makeService(snapshotter, metrics, ({ error, milliseconds, ...answer }) => {
        const fields = { ...answer, milliseconds: Math.round(milliseconds) };
        if (error === undefined || answer.code === 'ALREADY_EXISTS') log('debug', 'answered', fields);
        else log(isOurs(answer.code) ? 'warning' : 'debug', 'failed', { ...fields, error: messageOf(error) });
      });
      server.addService(SnapshotsService, service);
      if (metricsPort !== undefined) {
        served = await serveMetrics(metricsPort, () => metrics.toText(gaugesOf(snapshotter)));
      }
      await listen(server, socket);
      log('info', 'serving', { socket, root: options.root, metricsPort: served?.port });
      return new SnapshotterServer(socket, server, snapshotter, served);
    } catch (error) {
      served?.server.close();
      snapshotter.close();
      throw error;
    }
  }

  /** Answers what is under way. The mounts of images stay for the containers, and for the next snapshotter. */
  async end(): Promise<void> {
    const timer = setTimeout(() => this.#server.forceShutdown(), END_TIMEOUT);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    clearTimeout(timer);
    this.#closeMetrics();
    this.#snapshotter.close();
    rmSync(this.socket, { force: true });
  }
}

async function listen(server: Server, socket: string): Promise<void> {
  rmSync(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(new InputError(`${socket}: ${error.message}`));
    });
  });
  await chmod(socket, 0o600);
}

function gaugesOf(snapshotter: Snapshotter): Record<string, number> {
  const { view, active, committed } = snapshotter.count();
  return {
    views: view,
    active_snapshots: active,
    committed_snapshots: committed,
    image_mounts: snapshotter.mountCount(),
    resident_bytes: process.memoryUsage.rss(),
  };
}

function watchFor(metrics: Metrics, log: Log): SnapshotterWatch {
  return {
    onClaim: (outcome, digest) => {
      metrics.noteLayer(outcome);
      log('info', 'layer', { outcome, digest });
    },
    onDecline: (digest, error) => {
      metrics.noteLayer('unpacked');
      log('warning', 'layer', { outcome: 'unpacked', digest, error: messageOf(error) });
    },
    onBytes: (count) => metrics.noteBytes(count),
    onStray: (error) => log('warning', 'not removed', { error: messageOf(error) }),
  };
}

const isOurs = (code: string): boolean => code === 'UNAVAILABLE' || code === 'INTERNAL';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
