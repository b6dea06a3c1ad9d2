// stratafs flatten: an image of one layer.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { flattenImage } from '../../commit/commit.ts';
import { type NewImageArguments, addNewImageOptions, targetHelp, writeNewImage } from './new-image.ts';

const help = `
The new image has the config of the old one, and one layer, which holds what all its layers together show. Of a mount it
is the image that is written, without what was written to the mount: commit that first. Prints the new image's ID.
${targetHelp}

Examples:
  stratafs flatten app.tar -o docker-archive:flat.tar:app:flat
  stratafs flatten --compression zstd oci:layout:1 -o oci:layout:flat`;

export function flattenCommand(): CliCommand {
  return {
    syntax: addNewImageOptions(
      new Command('flatten')
        .description('Makes an image of one layer, which shows what all layers of another show.')
        .argument('<source>', 'as for "stratafs mount", or a mount point of stratafs'),
    )
      .option('--upto <layer>', 'the stack up to that layer')
      .addHelpText('after', help),
    run: (source: string, given: NewImageArguments) =>
      writeNewImage(given, (options) => flattenImage(source, options)),
  };
}
