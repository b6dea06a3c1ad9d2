// OutputFile: the output file of -o FILE.
import { randomBytes } from 'node:crypto';
import { type Stats, constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError } from '../../vfs/input-error.ts';
import { writeFailure } from '../../vfs/write-failure.ts';

/** The error for a file that can't be created at `path`, without the name of the temporary file. */
function createFailure(error: unknown, path: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  const directory = dirname(path);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new InputError(`${path}: ${directory} is not a directory`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new InputError(`${path}: no permission to write in ${directory} (${code})`, { cause: error });
  }
  return writeFailure(error, path);
}

/** Opens the device, FIFO or socket that `found` describes, without O_TRUNC: a file may have replaced it. */
async function openSpecial(path: string, found: Stats): Promise<FileHandle> {
  const file = await open(path, constants.O_WRONLY);
  const { dev, ino } = await file.stat();
  if (dev === found.dev && ino === found.ino) return file;
  await file.close();
  throw new InputError(`${path}: was replaced by another file; try again`);
}

/** A file that gets its name when it is complete. An existing special file (/dev/null) is written directly. */
export class OutputFile {
  readonly #path: string;
  readonly #draft: string | undefined;
  readonly #file: FileHandle;

  private constructor(path: string, draft: string | undefined, file: FileHandle) {
    this.#path = path;
    this.#draft = draft;
    this.#file = file;
  }

  /** Throws InputError if `path` is a directory. The caller must call keep or discard once. */
  static async create(path: string): Promise<OutputFile> {
    const there = await stat(path).catch(() => undefined); // ENOENT; opening it reports any other error
    if (there?.isDirectory() === true)
      throw new InputError(`${path}: is a directory, expected a file to write`);
    if (there?.isFile() === false) return new OutputFile(path, undefined, await openSpecial(path, there));
    const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}.draft`;
    const file = await open(draft, 'wx').catch((error: unknown) => {
      throw createFailure(error, path);
    });
    return new OutputFile(path, draft, file);
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < bytes.length;) {
        written += (await this.#file.write(bytes, written)).bytesWritten;
      }
    } catch (error) {
      throw writeFailure(error, this.#path);
    }
  }

  /** Closes the file, and gives it its name. */
  async keep(): Promise<void> {
    await this.#file.close();
    if (this.#draft !== undefined) await rename(this.#draft, this.#path);
  }

  /** Closes the file, and removes it. */
  async discard(): Promise<void> {
    await this.#file.close();
    if (this.#draft !== undefined) await rm(this.#draft, { force: true });
  }
}
