// stratafs export: writes the merged files of an image as one tar, without a mount.
import { LAYER_ABOUT, UPTO_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import type { PathRemark } from '../../library/export.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showPathName } from '../output/shown-path.ts';
import { SOURCE_ABOUT, addSourceOptions, type SourceArguments, withShown } from './inspection.ts';
import { OutputFile } from '../output/output-file.ts';
import { isOutputTerminal } from '../output/terminal.ts';

const help = `
The tar has the content that "docker export" writes for a container that was never started: all layers merged, with owners,
times in nanoseconds, xattrs and file capabilities (pax SCHILY.xattr), hard links and holes (pax GNU.sparse 1.0). <file> is
created when the tar is complete. The export of a mount includes what was written to it; a file that changes while it is
read causes a warning, and the exit status is 1.

Examples:
  stratafs export -o rootfs.tar app.tar
  stratafs export app.tar | docker import - app:flat
  stratafs export app.tar | tar -x -C rootfs \\
      --xattrs --xattrs-include='*' --numeric-owner`;

interface ExportArguments extends SourceArguments {
  readonly output: string;
}

export function exportCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('export')
        .description('Write the merged files of an image as a tar, like "docker export".')
        .argument('<source>', SOURCE_ABOUT)
        .option('-o, --output <file>', 'output file; - is standard output', '-')
        .option('--layer <layer>', LAYER_ABOUT)
        .option('--upto <layer>', UPTO_ABOUT),
    ).addHelpText('after', help),
    run: (source: string, args: ExportArguments) => {
      if (args.output === '-' && isOutputTerminal()) {
        throw new InputError('export: standard output is a terminal; use -o FILE or a pipe');
      }
      return {
        stream: (write) =>
          withShown(source, { ...args, requiresConfig: true }, async (image, report, signal) => {
            let status = 0;
            const tar = image.export({
              signal,
              onLeftOut: (path: PathRemark) => report.notice(`${showPathName(path)}: ${path.remark}`),
              onChanged: (path: PathRemark) => {
                report.warning(`${showPathName(path)}: ${path.remark} while the mount was read`);
                status = 1;
              },
            });
            if (args.output === '-') {
              for await (const bytes of tar) await write(bytes as Buffer);
              return status;
            }
            const file = await OutputFile.create(args.output);
            try {
              for await (const bytes of tar) await file.write(bytes as Buffer);
            } catch (error) {
              await file.discard();
              throw error;
            }
            await file.keep();
            return status;
          }),
      };
    },
  };
}
