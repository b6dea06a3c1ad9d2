// stratafs commit: what was written to a mount becomes one more layer of a new image.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { commitMount } from '../../commit/commit.ts';
import { type NewImageArguments, addNewImageOptions, targetHelp, writeNewImage } from './new-image.ts';

const help = `
The upper directory of the mount becomes the image's last layer: whiteouts, opaque directories, owners, times to the
nanosecond, xattrs, file capabilities, hard links and holes. What was renamed comes out whole. If nothing was written,
the image gets no layer. The mount goes on; where something is written to it meanwhile, the commit fails.
Prints the new image's ID.
${targetHelp}

Examples:
  stratafs commit /mnt -o docker-archive:new.tar:app:2 -m 'with curl'
  stratafs commit /mnt -o oci:layout:2 -c 'ENV A=b' -c 'CMD ["app", "-v"]'`;

export function commitCommand(): CliCommand {
  return {
    syntax: addNewImageOptions(
      new Command('commit')
        .description('Makes an image of a mount: what was written to it becomes one more layer.')
        .argument('<mountpoint>', 'a mount of stratafs that has an upper directory'),
    ).addHelpText('after', help),
    run: (mountpoint: string, given: NewImageArguments) =>
      writeNewImage(given, (options) => commitMount(mountpoint, options)),
  };
}
