// The default driver: /dev/fuse, polled on Node's own event loop; the protocol is decoded in TypeScript.
import createDebug from 'debug';
import { Channel } from '../sys/channel.ts';
import { MS_NODIRATIME, MS_RDONLY, MS_STRICTATIME } from '../sys/mount-calls.ts';
import { ErrnoError } from '../vfs/errno.ts';
import type { FileSystem } from '../vfs/filesystem.ts';
import { InputError } from '../vfs/input-error.ts';
import type { BegunConnection, DriverOptions, DriverStatistics, FuseMount } from './driver.ts';
import { attach, detach } from './mounts/kernel-mount.ts';
import { nameCounts, readCounts, tableFacts } from './fast-path.ts';
import { MessageBuffers } from './message-buffers.ts';
import { raiseReadAhead } from './read-ahead.ts';
import { Session } from './session.ts';
import { understandAgreement } from './wire/negotiate.ts';
import { resendNotice } from './wire/resend-notice.ts';

const debug = createDebug('stratafs:fuse');

/** Serves `fileSystem` on `mountpoint` through /dev/fuse; see `Driver`. Takes over `fileSystem`, and closes it, also where this fails. */
export async function mountDevFuse(
  fileSystem: FileSystem,
  mountpoint: string,
  options: DriverOptions,
): Promise<FuseMount> {
  if (options.begun !== undefined) {
    const mount = new DevFuseMount(fileSystem, mountpoint, options.begun.device, options);
    await mount.goesOn(options.begun);
    return mount;
  }
  const flags = fileSystem.isReadOnly ? options.flags | MS_RDONLY : options.flags;
  let device: number;
  try {
    device = attach(mountpoint, { ...options, flags });
  } catch (error) {
    await fileSystem.close();
    throw error;
  }
  const mount = new DevFuseMount(fileSystem, mountpoint, device, options);
  await mount.answers();
  await raiseReadAhead(mountpoint);
  return mount;
}

class DevFuseMount implements FuseMount {
  readonly mountpoint: string;
  readonly closed: Promise<void>;
  readonly #device: number;
  readonly #session: Session;
  readonly #channel: Channel;
  #resolveClosed: () => void = () => undefined;
  #isEnding = false;

  constructor(fileSystem: FileSystem, mountpoint: string, device: number, options: DriverOptions) {
    this.mountpoint = mountpoint;
    this.#device = device;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    const { request, reply } = options.buffers ?? new MessageBuffers();
    this.#channel = new Channel(
      device,
      request,
      reply,
      (length) => this.#session.handle(length),
      (errno) => void this.#end(errno),
    );
    const isRoot = process.geteuid?.() === 0;
    const checksPermissions = options.checksPermissions ?? true;
    this.#session = new Session(fileSystem, this.#channel, request, reply, {
      owners: options.owners,
      obeysAcls: options.obeysAcls,
      checksPermissions,
      // Root looks mostly at what it owns, and is then not asked about. Negotiating ACLs makes the kernel check permissions.
      cachesMissingAcls: isRoot && checksPermissions,
      cachesListings:
        fileSystem.isReadOnly || (options.flags & (MS_STRICTATIME | MS_NODIRATIME)) !== MS_STRICTATIME,
      maxStackDepth: (options.mayPassThrough ?? isRoot) ? (options.maxStackDepth ?? 1) : 0,
      onServing: () => {
        const { answerTable, isReadOnly } = fileSystem;
        if ((options.usesFastPath ?? true) && answerTable !== undefined) {
          this.#channel.answerFrom(tableFacts(answerTable, isReadOnly, this.#session.owners));
        }
      },
    });
  }

  /** Begins to serve; resolves when the kernel and we agreed on a protocol. */
  async answers(): Promise<void> {
    const session = this.#session;
    const status = this.#channel.start();
    if (status < 0) {
      await this.#abandon();
      throw new ErrnoError(status, 'poll', '/dev/fuse');
    }
    await Promise.race([session.started, this.closed]);
    if (session.state.kind === 'serving') return;
    await this.#abandon();
    throw new InputError(
      session.state.kind === 'refused'
        ? `${this.mountpoint}: ${session.state.reason}`
        : `${this.mountpoint}: unmounted before it answered`,
    );
  }

  /**
   * Begins to serve what another daemon served. What that one left unanswered comes again, before all that came since. Fails
   * without touching the mount: the next daemon may try again.
   */
  async goesOn({ agreement }: BegunConnection): Promise<void> {
    this.#session.begin(understandAgreement(agreement));
    let status = this.#channel.send(resendNotice, resendNotice.byteLength);
    if (status === 0) status = this.#channel.start();
    if (status === 0) return;
    await this.#end(0);
    throw new ErrnoError(status, 'write', '/dev/fuse');
  }

  get connection(): BegunConnection | undefined {
    const { negotiated } = this.#session;
    if (negotiated?.resends !== true || this.#isEnding) return undefined;
    return { device: this.#device, agreement: negotiated.agreement };
  }

  async pause(): Promise<void> {
    this.#channel.pause();
    await this.#session.answered();
  }

  statistics(): DriverStatistics {
    const { requestCounts, bytesRead, bytesWritten, openFiles, pendingChanges } = this.#session;
    const native = readCounts(this.#channel.tableAnswers());
    return {
      requests: nameCounts((opcode) => (requestCounts[opcode] ?? 0) + native.count(opcode)),
      answeredNatively: nameCounts((opcode) => native.count(opcode)),
      bytesRead: bytesRead + native.bytesRead,
      bytesWritten,
      passthroughOpens: openFiles.passthroughOpens,
      pendingChanges,
    };
  }

  async detach({ lazy }: { readonly lazy: boolean }): Promise<void> {
    await detach(this.mountpoint, lazy ? 'lazy' : 'when-free');
  }

  async unmount({ lazy = false } = {}): Promise<void> {
    await this.detach({ lazy });
    if (!lazy) await this.closed;
  }

  /** The kernel aborts a connection whose device is closed. */
  async abort(): Promise<void> {
    await this.#end(0);
    await this.closed;
  }

  /** The mount never came to life: leaves nothing of it behind. */
  async #abandon(): Promise<void> {
    try {
      await detach(this.mountpoint, 'lazy');
    } catch (error) {
      debug('%s: nothing to detach: %O', this.mountpoint, error);
    }
    await this.#end(0);
  }

  async #end(errno: number): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (errno !== 0) debug('%s: the connection failed with errno %d', this.mountpoint, errno);
    this.#channel.close();
    await this.#session.end();
    try {
      await this.#session.fileSystem.close();
    } catch (error) {
      debug('%s: closing the file system failed: %O', this.mountpoint, error);
    }
    this.#resolveClosed();
  }
}
