// stratafs squash: merges the upper layers of an image into one.
import { SOURCE_ABOUT } from './inspection.ts';
import type { CliCommand } from '../command-result.ts';
import { Command, InvalidArgumentError } from 'commander';
import { squash } from '../../library/new-image.ts';
import { type NewImageArguments, addNewImageOptions, targetHelp, writeNewImage } from './new-image.ts';

const help = `
The layers below <layer> are kept; <layer> and those above become a single layer with the same merged content. Files that
these layers overwrite or delete are gone from the new image. Its history has one step for them. The ID of the new image
is printed.
${targetHelp}

Examples:
  stratafs layers app.tar
  stratafs squash --from 3 app.tar -o small.tar:app:small`;

function parseLayer(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Expected a layer number; 1 is the base.');
  return Number(text);
}

export function squashCommand(): CliCommand {
  return {
    syntax: addNewImageOptions(
      new Command('squash')
        .usage('[options] --from <layer> -o <target> <source>')
        .description('Merge the upper layers of an image into one, in a new image.')
        .argument('<source>', SOURCE_ABOUT)
        .requiredOption('--from <layer>', 'the lowest layer to merge; 1 is the base', parseLayer),
    ).addHelpText('after', help),
    run: (source: string, args: NewImageArguments & { readonly from: number }) =>
      writeNewImage(args, (target, options) => squash(source, target, { ...options, from: args.from })),
  };
}
