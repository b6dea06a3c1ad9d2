// Compresses a new layer with Node's zlib, or, for zstd before Node 22.15, with the program zstd.
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import * as zlib from 'node:zlib';
import type { Compression } from '../layer/layer.ts';
import { InputError } from '../vfs/input-error.ts';

/** The compressions that OCI has media types for. */
export type WrittenCompression = Exclude<Compression, 'xz' | 'bzip2'>;

export interface Compressor {
  readonly input: Writable;
  readonly output: Readable;
  /** Resolves when all output was read; rejects if compressing failed. */
  readonly ended: Promise<void>;
  destroy(): void;
}

/** Part of zlib since Node 22.15. */
interface ZstdLibrary {
  readonly createZstdCompress?: () => zlib.Gzip;
}

/** Undefined for 'none'. Equal input gives equal output. */
export function createCompressor(compression: WrittenCompression): Compressor | undefined {
  if (compression === 'none') return undefined;
  if (compression === 'gzip') return fromStream(zlib.createGzip({ chunkSize: 1 << 18 }));
  const { createZstdCompress } = zlib as ZstdLibrary;
  return createZstdCompress === undefined ? fromProgram() : fromStream(createZstdCompress());
}

function fromStream(stream: zlib.Gzip): Compressor {
  return { input: stream, output: stream, ended: Promise.resolve(), destroy: () => stream.destroy() };
}

function fromProgram(): Compressor {
  const child = spawn('zstd', ['-q', '-c', '-T1'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (error) =>
      reject(
        new InputError(
          `--compression zstd: Node ${process.versions.node} has no zstd and the program zstd can't be run (${(error as NodeJS.ErrnoException).code ?? error.message}); gzip and none work without it`,
        ),
      ),
    );
    child.on('close', (status) => {
      if (status === 0) resolve();
      else
        reject(
          new InputError(`--compression zstd: the program zstd ended with status ${status ?? 'by a signal'}`),
        );
    });
  });
  // Awaited once the output has ended.
  ended.catch(() => undefined);
  // EPIPE: the program ended early; its exit status says why.
  child.stdin.on('error', () => child.stdout.destroy());
  return { input: child.stdin, output: child.stdout, ended, destroy: () => void child.kill() };
}
