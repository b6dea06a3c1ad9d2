// stratafs export: what an image shows, as one tar, without a mount.
import { Command } from 'commander';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { exportTar, mergeImage } from '../inspect.ts';
import { InputError } from '../vfs/input-error.ts';
import { showName } from '../vfs/names.ts';
import { addSourceOptions, type SourceArguments, withShown } from './inspection.ts';
import { writeStdout } from './standard-output.ts';

const help = `
The tar is what "docker export" writes of a container that was never started: all layers merged, owners, times to the
nanosecond, xattrs and file capabilities (pax SCHILY.xattr), hard links, holes (pax GNU.sparse 1.0). FILE appears when
it is complete.

Examples:
  stratafs export -o rootfs.tar app.tar
  stratafs export app.tar | tar -xf - --xattrs --xattrs-include='*' --numeric-owner -C rootfs
  stratafs export app.tar | docker import - app:flat`;

interface ExportArguments extends SourceArguments {
  readonly output: string;
}

/** A file that gets its name when it is complete; one that is there and no regular file (/dev/null) is written to. */
class OutputFile {
  readonly #path: string;
  readonly #draft: string | undefined;
  readonly #file: FileHandle;

  private constructor(path: string, draft: string | undefined, file: FileHandle) {
    this.#path = path;
    this.#draft = draft;
    this.#file = file;
  }

  static async create(path: string): Promise<OutputFile> {
    const there = await stat(path).catch(() => undefined); // ENOENT; what else is wrong, opening it says
    if (there?.isDirectory() === true)
      throw new InputError(`${path}: is a directory, expected a file to write`);
    if (there !== undefined && !there.isFile()) return new OutputFile(path, undefined, await open(path, 'w'));
    const draft = `${path}.${process.pid}.draft`;
    return new OutputFile(path, draft, await open(draft, 'wx'));
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      written += (await this.#file.write(bytes, written)).bytesWritten;
    }
  }

  async keep(): Promise<void> {
    await this.#file.close();
    if (this.#draft !== undefined) await rename(this.#draft, this.#path);
  }

  async discard(): Promise<void> {
    await this.#file.close();
    if (this.#draft !== undefined) await rm(this.#draft, { force: true });
  }
}

export function exportCommand(): Command {
  return addSourceOptions(
    new Command('export')
      .description('Writes what an image shows as one tar, as "docker export" does.')
      .argument('<source>', 'as for "stratafs mount", or a mount point of stratafs')
      .option('-o, --output <file>', 'where to; - is standard output', '-')
      .option('--layer <layer>', 'one layer alone: a number from 1 at the base, or a digest')
      .option('--upto <layer>', 'the stack up to that layer'),
  )
    .addHelpText('after', help)
    .action((source: string, given: ExportArguments) => {
      if (given.output === '-' && process.stdout.isTTY) {
        throw new InputError(
          'export: a tar is nothing for a terminal; write it with -o FILE, or into a pipe',
        );
      }
      return withShown(source, given, async (inspection, report, signal) => {
        const onSocket = (path: string): void =>
          report.notice(
            `/${showName(Buffer.from(path, 'latin1'))}: is a socket, which a tar can't hold: left out`,
          );
        const merged = mergeImage(inspection);
        if (given.output === '-') {
          await exportTar(merged, { take: writeStdout, signal, onSocket });
          return;
        }
        const file = await OutputFile.create(given.output);
        try {
          await exportTar(merged, { take: (bytes) => file.write(bytes), signal, onSocket });
        } catch (error) {
          await file.discard();
          throw error;
        }
        await file.keep();
      });
    });
}
