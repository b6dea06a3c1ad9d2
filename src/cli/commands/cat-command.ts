// stratafs cat: a file of an image, without a mount.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { mergeImage, resolvePath } from '../../inspect/inspect.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import { addSourceOptions, type SourceArguments, withShown } from './inspection.ts';
import { typeOfMode } from '../output/mode.ts';

const help = `
Paths begin at the image's root; symlinks are followed inside the image.

Examples:
  stratafs cat app.tar /etc/os-release
  stratafs cat --layer 3 app.tar /etc/passwd      as the third layer has it`;

export function catCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('cat')
        .description("Writes the content of an image's files to standard output.")
        .argument('<source>', 'as for "stratafs mount", or a mount point of stratafs')
        .argument('<path...>', 'paths in the image')
        .option('--layer <layer>', 'one layer alone: a number from 1 at the base, or a digest')
        .option('--upto <layer>', 'the stack up to that layer'),
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
            if (type === S_IFDIR) throw new InputError(`${where}: is a directory, expected a file`);
            if (type !== S_IFREG) {
              throw new InputError(`${where}: is a ${typeOfMode(type)}, which has no content in an image`);
            }
            return inode;
          });
          for (const [i, inode] of inodes.entries()) {
            try {
              for await (const bytes of content.read(inode)) await write(bytes);
            } catch (error) {
              if (!(error instanceof ErrnoError) || error.syscall !== 'read') throw error;
              const where = `${showText(source)}: ${showText(paths[i] ?? '')}`;
              throw new InputError(`${where}: was changed while it was read (${error.code})`, {
                cause: error,
              });
            }
          }
          return 0;
        }),
    }),
  };
}
