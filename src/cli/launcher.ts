// The launcher (native/launch/main.cc): the process that the shell waits for. Its child, this process, mounts and stays.
//
// It runs before Node starts, so that a mount takes one start of Node, not two. bin/stratafs starts it; a command that
// was started without a launcher executes the launcher, which starts the command again.
import { Socket } from 'node:net';
import { Keeper } from '../mount/keeper/keeper.ts';
import { becomeProgram } from '../mount/mount.ts';
import { nativeFile, packageFile } from '../sys/package-file.ts';
import { InputError } from '../vfs/input-error.ts';
import { launcherPid } from './launched.ts';

const LINK_FD = 3;
const READY = 'R';

/** The processes above this one, which serves a mount in the background. */
export interface Parents {
  /** Undefined: this process goes on with the mount of an earlier one, and nobody waits for it. */
  readonly launcher: Launcher | undefined;
  /** Undefined if the launcher is of an older version. */
  readonly keeper: Keeper | undefined;
}

/** The parents of this process. Without a launcher, the process is started again by one; throws InputError if that fails. */
export function takeParents(): Parents {
  const { STRATAFS_KEEPER: pid, STRATAFS_RESTARTS: restarts } = process.env;
  const keeper = pid === undefined ? undefined : new Keeper(Number(pid), restarts);
  return { launcher: keeper?.begun === undefined ? Launcher.take() : undefined, keeper };
}

/** The launcher of this process. If it ends before it has accepted the mount, everything must be undone. */
export class Launcher {
  readonly pid: number;
  /** Aborted if the launcher ends before it has accepted the mount. */
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
    // EPIPE or ECONNRESET: the launcher has ended, and `close` follows.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      if (!isTaken) abandoned.abort();
    });
  }

  /** The launcher of this process. Without one, the process is started again by a launcher; throws InputError if that fails. */
  static take(): Launcher {
    return new Launcher(launcherPid() ?? becomeLauncher());
  }

  /** Reports readiness: true when the launcher has accepted this process as a daemon, false if the launcher has ended. */
  async release(): Promise<boolean> {
    if (this.abandoned.aborted) return false;
    const isGone = new Promise<void>((resolve) => this.abandoned.addEventListener('abort', () => resolve()));
    this.#socket.write(READY);
    await Promise.race([this.#taken, isGone]);
    this.#socket.destroy();
    return !this.abandoned.aborted;
  }
}

/** Executes the launcher in this process, which starts the same command. Throws InputError if the launcher is not installed. */
function becomeLauncher(): never {
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const launcher = nativeFile('stratafs-launch');
  const status = becomeProgram(launcher, [launcher, ...command]);
  throw new InputError(
    `${launcher}: can't be run (errno ${-status}); run: npm --prefix ${packageFile()} run install`,
  );
}
