// stratafs cat: a file of an image, without a mount.
import { LAYER_ABOUT, UPTO_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { mergeImage, resolvePath } from '../../inspect/inspect.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
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
    run: (source: string, paths: string[], given: SourceArguments) => ({
      stream: (write) =>
        withShown(source, given, async (inspection) => {
          const { tree, content } = mergeImage(inspection);
          // All are looked up before anything is written.
          const inodes = paths.map((path) => {
            const inode = resolvePath(tree, Buffer.from(path).toString('latin1'));
            const where = `${showText(source)}: ${showText(path)}`;
            if (inode < 0) throw new InputError(`${where}: no such file in the image`);
            const type = tree.modeOf(inode) & S_IFMT;
            if (type === S_IFDIR) throw new InputError(`${where}: found a directory, expected a file`);
            if (type !== S_IFREG) {
              throw new InputError(`${where}: found a ${typeOfMode(type)}, expected a file`);
            }
            return inode;
          });
          for (const [i, inode] of inodes.entries()) {
            try {
              for await (const bytes of content.read(inode)) await write(bytes);
            } catch (error) {
              if (!(error instanceof ErrnoError) || error.syscall !== 'read') throw error;
              const where = `${showText(source)}: ${showText(paths[i] ?? '')}`;
              throw new InputError(`${where}: changed while it was read (${error.code})`, {
                cause: error,
              });
            }
          }
          return 0;
        }),
    }),
  };
}
