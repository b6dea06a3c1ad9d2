// stratafs cat: writes files of an image to standard output, without a mount.
import { LAYER_ABOUT, UPTO_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import type { Image } from '../../library/image.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import { SOURCE_ABOUT, addSourceOptions, type SourceArguments, withShown } from './inspection.ts';
import { typeOfMode } from '../output/mode.ts';

const help = `
Paths start at the root of the image. Symlinks are followed inside the image.

Examples:
  stratafs cat app.tar /etc/os-release
  stratafs cat --layer 3 app.tar /etc/passwd    as in the third layer`;

export function catCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('cat')
        .description('Write files of an image to standard output.')
        .argument('<source>', SOURCE_ABOUT)
        .argument('<path...>', 'paths in the image')
        .option('--layer <layer>', LAYER_ABOUT)
        .option('--upto <layer>', UPTO_ABOUT),
    ).addHelpText('after', help),
    run: (source: string, paths: string[], args: SourceArguments) => ({
      stream: (write) =>
        withShown(source, args, async (image) => {
          // Resolve all paths before writing anything.
          for (const path of paths) await requireFile(image, source, path);
          for (const path of paths) {
            try {
              for await (const bytes of image.createReadStream(path)) await write(bytes as Buffer);
            } catch (error) {
              if (!(error instanceof ErrnoError) || error.syscall !== 'read') throw error;
              const where = `${showText(source)}: ${showText(path)}`;
              throw new InputError(`${where}: changed while it was read (${error.code})`, {
                code: 'ERR_STRATAFS_CHANGED',
                cause: error,
              });
            }
          }
          return 0;
        }),
    }),
  };
}

/** Throws InputError unless the path is a regular file in the image. */
async function requireFile(image: Image, source: string, path: string): Promise<void> {
  const where = `${showText(source)}: ${showText(path)}`;
  const stats = await image.stat(path === '' ? '/' : path).catch((error: unknown) => {
    if (!(error instanceof ErrnoError)) throw error;
    throw new InputError(`${where}: no such file in the image`, { cause: error });
  });
  if (stats.isDirectory()) throw new InputError(`${where}: found a directory, expected a file`);
  if (!stats.isFile()) {
    throw new InputError(`${where}: found a ${typeOfMode(stats.mode)}, expected a file`);
  }
}
