// The keeper of this mount: the parent process, which starts the next daemon if this one dies (native/launch/keeper.h).
//
// The launcher starts every background mount through a keeper. The keeper stays only if the mount is offered to it and `keep`
// is called; `leave` ends it. The link between both is a socket pair that this process inherits.
import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import createDebug from 'debug';
import { makeMemoryFile, sendDescriptors } from '../../sys/mount-calls.ts';
import { exitNow } from '../../sys/process-calls.ts';
import { type Handover, HANDOVER_FORM, writeDocument } from './document.ts';
import { HAND_OVER_STATUS, type History, NO_HISTORY, parseHistory } from './history.ts';

const debug = createDebug('stratafs:keeper');

// The descriptors that this process inherits (native/launch/daemon_start.h).
const LINK_FD = 4;
const DEVICE_FD = 5;
const DOCUMENT_FD = 6;

/** Exit status: no daemon can serve the mount any more. */
export const HOPELESS_STATUS = 78;
/** Exit status: an internal error; the keeper starts the next daemon. */
export const DEFECT_STATUS = 70;
/** How often a daemon that starts gives a sign of life. */
const SIGN_INTERVAL_MS = 1000;
/** How long a handover waits for requests under way. The kernel sends the others to the next daemon. */
const PAUSE_TIMEOUT_MS = 2000;

/** The keeper gives up at this many crashes in so many seconds. */
export interface RestartRule {
  readonly crashes: number;
  readonly seconds: number;
}

/** What a mount gives the keeper. */
export interface Offer {
  readonly handover: Handover;
  /** The FUSE device. */
  readonly device: number;
  /** Answers what is under way, and takes no more requests. */
  readonly pause: () => Promise<void>;
}

/** What somebody asks of the keeper, who passes it on. */
export type KeeperRequest = 'unmount' | 'hand over';

/** What a mount reports of its keeper. */
export interface KeeperFacts {
  /** Its process. */
  readonly keeper?: number;
  /** How often a daemon died, or handed over, and another one went on. */
  readonly restarts?: number;
  /** The reason for the last one: the signal that ended the daemon, `exit status N`, or `upgrade`. */
  readonly lastRestart?: string | undefined;
  /** What a daemon must have in common with this one to go on with the mount. */
  readonly handoverForm?: string;
}

export class Keeper {
  readonly pid: number;
  readonly history: History;
  /** The descriptors of a mount that an earlier daemon served; undefined for the first one. */
  readonly begun: { readonly device: number; readonly document: number } | undefined;
  #offer: Offer | undefined;
  #link: Socket | undefined;
  /** When the next sign of life is due. */
  #nextSign = 0;
  #onRequest: (request: KeeperRequest) => void = () => undefined;

  constructor(pid: number, restarts: string | undefined) {
    this.pid = pid;
    this.history = restarts === undefined ? NO_HISTORY : parseHistory(restarts);
    this.begun = restarts === undefined ? undefined : { device: DEVICE_FD, document: DOCUMENT_FD };
  }

  /** What the mount needs to survive this process. */
  offer(offer: Offer): void {
    this.#offer = offer;
  }

  /** Makes the keeper stay, if the mount was offered; else it ends. */
  keep({ crashes, seconds }: RestartRule): void {
    const offer = this.#offer;
    if (offer === undefined) {
      this.leave();
      return;
    }
    const document = makeMemoryFile('stratafs-handover');
    try {
      if (document < 0) throw new Error(`memfd_create: ${document}`);
      writeSync(document, writeDocument(offer.handover));
      const { mountpoint, device } = offer.handover;
      const path = Buffer.from(mountpoint);
      const [major = 0, minor = 0] = device.split(':').map(Number);
      const message = Buffer.concat([makeMessage('K', crashes, seconds, major, minor, path.length), path]);
      const status = sendDescriptors(LINK_FD, message, offer.device, document);
      if (status < 0) throw new Error(`sendmsg: ${status}`);
      this.#listen();
    } catch (error) {
      // No descriptors or no memory are left: the mount goes on without a keeper.
      debug('not kept: %O', error);
      this.leave();
    } finally {
      if (document >= 0) closeSync(document);
    }
  }

  /** Makes the keeper end. */
  leave(): void {
    this.#listen();
    this.#link?.end(makeMessage('N'));
    this.#link = undefined;
  }

  /** This daemon is still starting. The keeper kills one that says nothing for a minute. */
  starts(): void {
    const now = performance.now();
    if (now < this.#nextSign) return;
    this.#nextSign = now + SIGN_INTERVAL_MS;
    try {
      writeSync(LINK_FD, makeMessage('P'));
    } catch (error) {
      debug('no keeper: %O', error);
    }
  }

  /** This daemon has continued the mount. */
  goesOn(): void {
    closeSync(DOCUMENT_FD);
    this.#listen();
    this.#say('S');
  }

  /** The mount is to end: the keeper starts no daemon from now on. */
  ends(): void {
    this.#say('E');
  }

  /** It stays mounted after all. */
  stays(): void {
    this.#say('S');
  }

  /** True while another daemon would go on with the mount. */
  get isHolding(): boolean {
    return this.#link !== undefined;
  }

  facts(): KeeperFacts {
    if (!this.isHolding) return {};
    const { crashes, handovers, lastEnd } = this.history;
    return {
      keeper: this.pid,
      restarts: crashes + handovers,
      lastRestart: lastEnd,
      handoverForm: HANDOVER_FORM,
    };
  }

  onRequest(listener: (request: KeeperRequest) => void): void {
    this.#onRequest = listener;
  }

  /** Ends this process, and has the next one go on with the mount. */
  async handOver(): Promise<never> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, PAUSE_TIMEOUT_MS)));
    await Promise.race([this.#offer?.pause(), late]);
    clearTimeout(timer);
    return exitNow(HAND_OVER_STATUS);
  }

  #listen(): void {
    const link = new Socket({ fd: LINK_FD, readable: true, writable: true });
    link.unref();
    // EPIPE or ECONNRESET: the keeper is gone.
    link.on('error', () => undefined);
    link.on('close', () => (this.#link = undefined));
    link.on('data', (bytes) => {
      for (const byte of bytes) this.#onRequest(byte === 'U'.charCodeAt(0) ? 'hand over' : 'unmount');
    });
    this.#link = link;
  }

  #say(kind: 'E' | 'S'): void {
    this.#link?.write(makeMessage(kind));
  }
}

/** struct KeeperMessage: six 32-bit numbers, the first of them the kind's character. */
function makeMessage(kind: string, ...numbers: readonly number[]): Buffer {
  const message = Buffer.alloc(24);
  message.writeUInt32LE(kind.charCodeAt(0), 0);
  for (const [i, number] of numbers.entries()) message.writeUInt32LE(number, 4 + 4 * i);
  return message;
}
