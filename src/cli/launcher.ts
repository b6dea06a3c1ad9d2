// The launcher (native/launch/main.cc): what the shell waits for, while its child, which is this process, mounts and stays.
//
// It is there before Node is, so that a mount takes one start of Node, not two. bin/stratafs starts it; a command that was
// started without one becomes it, and is started anew by it.
import { Socket } from 'node:net';
import { becomeProgram } from '../mount/mount.ts';
import { nativeFile, packageFile } from '../sys/package-file.ts';
import { InputError } from '../vfs/input-error.ts';
import { launcherPid } from './launched.ts';

const LINK_FD = 3;
const READY = 'R';

/** The launcher of this process: until it has taken what is ready, its end means that everything is to be undone. */
export class Launcher {
  readonly pid: number;
  /** Aborted when the launcher is gone before it took what was ready. */
  readonly abandoned: AbortSignal;
  readonly #socket = new Socket({ fd: LINK_FD, readable: true, writable: true });
  readonly #taken: Promise<void>;

  private constructor(pid: number) {
    this.pid = pid;
    const abandoned = new AbortController();
    this.abandoned = abandoned.signal;
    let isTaken = false;
    this.#taken = new Promise((resolve) => {
      this.#socket.once('data', () => {
        isTaken = true;
        resolve();
      });
    });
    // EPIPE or ECONNRESET: the launcher is gone, and `close` follows.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      if (!isTaken) abandoned.abort();
    });
  }

  /** This process's; where it has none it is started anew, by one. InputError where that can't be. */
  static take(): Launcher {
    return new Launcher(launcherPid() ?? becomeLauncher());
  }

  /** Reports readiness: true when the launcher has accepted this process as a daemon, false if the launcher has gone. */
  async release(): Promise<boolean> {
    if (this.abandoned.aborted) return false;
    const isGone = new Promise<void>((resolve) => this.abandoned.addEventListener('abort', () => resolve()));
    this.#socket.write(READY);
    await Promise.race([this.#taken, isGone]);
    this.#socket.destroy();
    return !this.abandoned.aborted;
  }
}

/** The process becomes a launcher, which starts the same command. InputError where there is none. */
function becomeLauncher(): never {
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const launcher = nativeFile('stratafs-launch');
  const status = becomeProgram(launcher, [launcher, ...command]);
  throw new InputError(
    `${launcher}: can't be run (errno ${-status}); run: npm --prefix ${packageFile()} run install`,
  );
}
