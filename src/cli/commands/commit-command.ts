// stratafs commit: saves the changes in a mount as an additional layer of a new image.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { commit } from '../../library/new-image.ts';
import { type NewImageArguments, addNewImageOptions, targetHelp, writeNewImage } from './new-image.ts';

const help = `
The upper directory of the mount becomes the last layer of a new image, with whiteouts, opaque directories, owners, times
in nanoseconds, xattrs, file capabilities, hard links and holes. Renamed files are stored completely. If nothing was
written, no layer is added. The mount stays in use; if it is written to during the commit, the commit fails.
The ID of the new image is printed.
${targetHelp}

Examples:
  stratafs commit /mnt -o new.tar:app:2 -m 'with curl'
  stratafs commit /mnt -o oci:layout:2 -c 'CMD ["app"]'`;

export function commitCommand(): CliCommand {
  return {
    syntax: addNewImageOptions(
      new Command('commit')
        .usage('[options] -o <target> <mountpoint>')
        .description('Save a mount as an image, with what was written to it as a new layer.')
        .argument('<mountpoint>', 'stratafs mount that has an upper directory'),
    ).addHelpText('after', help),
    run: (mountpoint: string, args: NewImageArguments) =>
      writeNewImage(args, (target, options) => commit(mountpoint, target, options)),
  };
}
