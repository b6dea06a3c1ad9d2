// stratafs export: what an image shows, as one tar, without a mount.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { exportTar, isUpper, mergeImage } from '../../inspect/inspect.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showPath } from '../output/shown-path.ts';
import { addSourceOptions, type SourceArguments, withShown } from './inspection.ts';
import { OutputFile } from '../output/output-file.ts';
import { isOutputTerminal } from '../output/terminal.ts';

const help = `
The tar is what "docker export" writes of a container that was never started: all layers merged, owners, times to the
nanosecond, xattrs and file capabilities (pax SCHILY.xattr), hard links, holes (pax GNU.sparse 1.0). FILE appears when
it is complete. Of a mount what was written is in it, too; a file that is changed while it is read is told in a warning,
and the exit status is then 1.

Examples:
  stratafs export -o rootfs.tar app.tar
  stratafs export app.tar |
    tar -xf - --xattrs --xattrs-include='*' --numeric-owner -C rootfs
  stratafs export app.tar | docker import - app:flat`;

interface ExportArguments extends SourceArguments {
  readonly output: string;
}

export function exportCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('export')
        .description('Writes what an image shows as one tar, as "docker export" does.')
        .argument('<source>', 'as for "stratafs mount", or a mount point of stratafs')
        .option('-o, --output <file>', 'where to; - is standard output', '-')
        .option('--layer <layer>', 'one layer alone: a number from 1 at the base, or a digest')
        .option('--upto <layer>', 'the stack up to that layer'),
    ).addHelpText('after', help),
    run: (source: string, given: ExportArguments) => {
      if (given.output === '-' && isOutputTerminal()) {
        throw new InputError(
          'export: a tar is nothing for a terminal; write it with -o FILE, or into a pipe',
        );
      }
      return {
        stream: (write) =>
          withShown(source, { ...given, requiresConfig: true }, async (inspection, report, signal) => {
            let status = 0;
            const onLeftOut = (path: string, what: string): void =>
              report.notice(`${showPath(path)}: ${what}`);
            const onChanged = (path: string, what: string): void => {
              report.warning(`${showPath(path)}: ${what} while the mount was read`);
              status = 1;
            };
            const live = { layer: inspection.image.layers.findIndex(isUpper), onChanged };
            const options = { signal, onLeftOut, live };
            const merged = mergeImage(inspection);
            if (given.output === '-') {
              await exportTar(merged, { ...options, take: write });
              return status;
            }
            const file = await OutputFile.create(given.output);
            try {
              await exportTar(merged, { ...options, take: (bytes) => file.write(bytes) });
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
