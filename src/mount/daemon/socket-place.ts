// The place of a daemon's socket: in a directory that only its user can enter.
//
// A user who can put another socket there decides what is mounted. So the path must be trusted (sys/trusted-path.ts), and the
// directory be this user's with mode 0700; it is made if it is missing. No symlink is followed in its place.
import { basename, dirname, isAbsolute, join } from 'node:path';
import { RUN_DIRECTORY, makeRunDirectory } from '../../erofs/mounts/run-directory.ts';
import { examinePath, whyNotOwn } from '../../sys/trusted-path.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';

const NAME = 'daemon.sock';
/** sun_path of unix(7), less its NUL. */
const MAX_LENGTH = 107;
const OTHERS = 0o077;

/** InputError where this user has no directory for such files. */
export function defaultSocket(environment: NodeJS.ProcessEnv = process.env): string {
  if (process.geteuid?.() === 0) return join(RUN_DIRECTORY, 'daemon', NAME);
  const runtime = environment['XDG_RUNTIME_DIR'] ?? '';
  if (isAbsolute(runtime)) return join(runtime, 'stratafs', NAME);
  throw new InputError(
    'XDG_RUNTIME_DIR is not set, so the daemon has no default socket: name one (--socket)',
  );
}

/**
 * `path` (absolute) with the real path of its directory, which is made if `makes`; undefined if it is missing. InputError
 * for a directory that others can enter or replace, and for a path that is too long.
 */
export function locateSocket(path: string, makes: boolean): string | undefined {
  const directory = dirname(path);
  // Others read it, whoever makes it first.
  if (makes && directory.startsWith(`${RUN_DIRECTORY}/`)) makeRunDirectory(RUN_DIRECTORY);
  const found = examinePath(directory, makes);
  if (found.kind === 'missing') return undefined;
  const reason = found.kind === 'untrusted' ? found.reason : whyNotOwn(found.path, found.stats);
  if (reason !== undefined || found.kind === 'untrusted') {
    throw new InputError(`${showText(path)}: the socket is not used: ${reason ?? ''}`);
  }
  const mode = found.stats.mode & 0o7777;
  if ((mode & OTHERS) !== 0) {
    throw new InputError(
      `${showText(found.path)}: found mode 0${mode.toString(8)}, expected 0700: others could reach the daemon's socket`,
    );
  }
  const place = join(found.path, basename(path));
  if (Buffer.byteLength(place) <= MAX_LENGTH) return place;
  throw new InputError(
    `${showText(place)}: found ${Buffer.byteLength(place)} bytes, expected at most ${MAX_LENGTH} in the path of a socket`,
  );
}
