// stratafs squash: an image whose upper layers are one.
import type { CliCommand } from '../command-result.ts';
import { Command, InvalidArgumentError } from 'commander';
import { squashImage } from '../../commit/commit.ts';
import { type NewImageArguments, addNewImageOptions, targetHelp, writeNewImage } from './new-image.ts';

const help = `
The layers below N stay as they are; those from N on become one, which shows the same: what they wrote and hid again is
in no layer any more. The history tells of one step in their place. Prints the new image's ID.
${targetHelp}

Examples:
  stratafs layers app.tar
  stratafs squash --from 3 app.tar -o docker-archive:small.tar:app:small`;

function parseLayer(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Expected a number, 1 for the base.');
  return Number(text);
}

export function squashCommand(): CliCommand {
  return {
    syntax: addNewImageOptions(
      new Command('squash')
        .description('Makes an image whose layers from one on are one.')
        .argument('<source>', 'as for "stratafs mount", or a mount point of stratafs')
        .requiredOption('--from <layer>', 'the first of them, a number from 1 at the base', parseLayer),
    ).addHelpText('after', help),
    run: (source: string, given: NewImageArguments & { readonly from: number }) =>
      writeNewImage(given, (options) => squashImage(source, given.from, options)),
  };
}
