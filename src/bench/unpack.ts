// Unpacks a merged tree with GNU tar, which writes nothing outside the directory.
import type { Writable } from 'node:stream';
import type { Processes } from './processes.ts';

/** Receives all bytes of a tar in order; the next call is made when the last has resolved. */
export type TakeBytes = (bytes: Uint8Array) => Promise<void>;

/** Unpacks the tar that `write` produces into `directory`, which is empty. Without root, all files belong to the user. */
export async function unpackTar(
  processes: Processes,
  directory: string,
  write: (take: TakeBytes) => Promise<void>,
): Promise<void> {
  const asRoot = ['--same-owner', '--same-permissions', '--numeric-owner', '--xattrs', '--xattrs-include=*'];
  const asUser = ['--no-same-owner', '--no-same-permissions'];
  const options = process.geteuid?.() === 0 ? asRoot : asUser;
  await processes.run(['tar', '-x', ...options, '-C', directory], {
    input: (stdin) => write((bytes) => writeTo(stdin, bytes)),
  });
}

/** Resolves when there is room for more. */
async function writeTo(stdin: Writable, bytes: Uint8Array): Promise<void> {
  if (stdin.destroyed || stdin.write(bytes)) return; // tar has ended: its exit status is reported
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      stdin.off('drain', settle).off('close', settle);
      resolve();
    };
    stdin.on('drain', settle).on('close', settle);
  });
}
