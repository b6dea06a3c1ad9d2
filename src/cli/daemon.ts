// The daemon behind `stratafs mount`: an own process in an own session, started by background.ts.
//
// Descriptor 3 is its end of the socket to the command (daemon-messages.ts). Until the command has taken `ready`,
// the end of that socket means that the command is gone, and everything is undone. After that nothing ties the
// daemon to whoever started it: its directory is /, its standard streams are /dev/null (with DEBUG, stderr stays).
// Its arguments only tell ps(1) what it is.
import { Socket } from 'node:net';
import { type Mount, exitNow, silence } from '../mount.ts';
import { type CommandMessage, type DaemonMessage, encodeMessage, onMessages } from './daemon-messages.ts';
import { describeFailure, stackOf } from './failure.ts';
import type { MountRequest } from './mount-request.ts';
import { openMount, serveUntilUnmounted } from './serve.ts';

const STATUS_FD = 3;
/** Progress is told at most this often. */
const PROGRESS_INTERVAL_MS = 50;

/** The socket to the command. */
class CommandLink {
  readonly request: Promise<MountRequest>;
  readonly taken: Promise<void>;
  /** Aborted when the command is gone before it took the mount. */
  readonly abandoned: AbortSignal;
  readonly #socket = new Socket({ fd: STATUS_FD, readable: true, writable: true });
  #lastProgress = 0;

  constructor() {
    let onRequest: (request: MountRequest) => void = () => undefined;
    let onTaken: () => void = () => undefined;
    this.request = new Promise((resolve) => (onRequest = resolve));
    this.taken = new Promise((resolve) => (onTaken = resolve));
    const abandoned = new AbortController();
    this.abandoned = abandoned.signal;
    let isTaken = false;
    onMessages(this.#socket, (received) => {
      const message = received as CommandMessage;
      if (message.kind === 'request') onRequest(message.request);
      else {
        isTaken = true;
        onTaken();
      }
    });
    // EPIPE or ECONNRESET: the command is gone, and `close` follows.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      if (!isTaken) abandoned.abort();
    });
  }

  send(message: DaemonMessage): void {
    if (message.kind === 'progress') {
      if (Date.now() - this.#lastProgress < PROGRESS_INTERVAL_MS) return;
      this.#lastProgress = Date.now();
    }
    if (this.#socket.writable) this.#socket.write(encodeMessage(message));
  }

  /** Ends the conversation once all is sent. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else {
        this.#socket.once('close', () => resolve());
        this.#socket.end(() => this.#socket.destroy());
      }
    });
  }
}

/** At once where it is already: then there is no event to come. */
function whenAborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
}

/** Tells the command that the mount answers: true once it has taken it, false where it is gone. */
async function handOver(link: CommandLink): Promise<boolean> {
  link.send({ kind: 'ready' });
  await Promise.race([link.taken, whenAborted(link.abandoned)]);
  return !link.abandoned.aborted;
}

function becomeSilent(): void {
  const hasDebug = (process.env['DEBUG'] ?? '') !== '';
  for (const fd of hasDebug ? [0, 1] : [0, 1, 2]) silence(fd);
}

/** A defect of ours must not leave a dead mount behind. */
function detachOnDefect(mount: Mount): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`stratafs: ${describeFailure(error)}\n${error.stack ?? ''}\n`);
    void mount.unmount({ lazy: true }).finally(() => exitNow(1));
  });
}

async function run(): Promise<number> {
  const link = new CommandLink();
  const request = await Promise.race([link.request, whenAborted(link.abandoned)]);
  if (request === undefined) return 1;
  let mount: Mount;
  try {
    mount = await openMount(
      request,
      {
        progress: (progress) => link.send({ kind: 'progress', progress }),
        notice: (text) => link.send({ kind: 'notice', text }),
        warning: (text) => link.send({ kind: 'warning', text }),
      },
      link.abandoned,
    );
  } catch (error) {
    link.send({ kind: 'failed', text: describeFailure(error), stack: stackOf(error) });
    await link.close();
    return 1;
  }
  detachOnDefect(mount);
  process.chdir('/');
  if (!(await handOver(link))) {
    await mount.close();
    return 1;
  }
  await link.close();
  becomeSilent();
  await serveUntilUnmounted(mount, { warning: (text) => process.stderr.write(`stratafs: ${text}\n`) });
  return 0;
}

// A mount point that hangs may have kept a pool thread, which Node's own exit would wait for.
exitNow(await run());
