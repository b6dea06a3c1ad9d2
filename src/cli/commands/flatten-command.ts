// stratafs flatten: merges all layers of an image into one.
import { UPTO_ABOUT } from './option-texts.ts';
import { SOURCE_ABOUT } from './inspection.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { flatten } from '../../library/new-image.ts';
import { type NewImageArguments, addNewImageOptions, targetHelp, writeNewImage } from './new-image.ts';

const help = `
The new image has the configuration of the old one and a single layer with the merged files of all its layers. If <source>
is a mount, what was written to it is not included: use "stratafs commit" first. The ID of the new image is printed.
${targetHelp}

Examples:
  stratafs flatten app.tar -o flat.tar:app:flat
  stratafs flatten oci:layout:1 -o oci:layout:flat`;

export function flattenCommand(): CliCommand {
  return {
    syntax: addNewImageOptions(
      new Command('flatten')
        .usage('[options] -o <target> <source>')
        .description('Merge all layers of an image into one, in a new image.')
        .argument('<source>', SOURCE_ABOUT),
    )
      .option('--upto <layer>', UPTO_ABOUT)
      .addHelpText('after', help),
    run: (source: string, args: NewImageArguments) =>
      writeNewImage(args, (target, options) => flatten(source, target, options)),
  };
}
