// stratafs export: writes the merged files of an image as one tar, without a mount.
import { LAYER_ABOUT, UPTO_ABOUT } from './option-texts.ts';
import type { CliCommand, WriteBytes } from '../command-result.ts';
import { Command } from 'commander';
import type { ExportOptions } from '../../library/export.ts';
import type { Image } from '../../library/image.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showPathName } from '../output/shown-path.ts';
import { SOURCE_ABOUT, addSourceOptions, type SourceArguments, withShown } from './inspection.ts';
import { OutputFile } from '../output/output-file.ts';
import type { TerminalReport } from '../output/report.ts';
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

/** Writes a tar, and reports what it can't hold. Returns the exit status. */
export async function writeExport(
  image: Image,
  options: Omit<ExportOptions, 'onLeftOut' | 'onChanged'>,
  report: TerminalReport,
  write: WriteBytes,
): Promise<number> {
  let status = 0;
  const tar = image.export({
    ...options,
    onLeftOut: (path) => report.notice(`${showPathName(path)}: ${path.remark}`),
    onChanged: (path) => {
      report.warning(`${showPathName(path)}: ${path.remark} while the mount was read`);
      status = 1;
    },
  });
  for await (const bytes of tar) await write(bytes as Buffer);
  return status;
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
            if (args.output === '-') return writeExport(image, { signal }, report, write);
            const file = await OutputFile.create(args.output);
            let status: number;
            try {
              status = await writeExport(image, { signal }, report, (bytes) => file.write(bytes));
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
