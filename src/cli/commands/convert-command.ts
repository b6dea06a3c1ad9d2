// stratafs convert: writes the merged files of an image as an EROFS image, without a mount.
import { LAYER_ABOUT, UPTO_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { InputError } from '../../vfs/input-error.ts';
import { SOURCE_ABOUT, addSourceOptions, type SourceArguments, withImage } from './inspection.ts';
import { OutputFile } from '../output/output-file.ts';
import { isOutputTerminal } from '../output/terminal.ts';
import { showText } from '../../vfs/show-text.ts';

const help = `
The kernel mounts the result without stratafs, since Linux 6.4: "mount -t erofs <file> DIR". <file> is created when the
image is complete; the same layers always give the same bytes. A mount as <source> stands for its image, without what was
written to it.

With --external the bytes of files stay in the archive, whose layers must be plain tars. The mount command for the image,
with a loop device for each file of the archive, is then printed. Changing or replacing the archive breaks the image.

Examples:
  stratafs convert -o app.erofs app.tar
  stratafs convert --external -o app.erofs app.tar`;

interface ConvertArguments extends SourceArguments {
  readonly output: string;
  readonly external?: true;
  readonly overlayLower?: true;
}

export function convertCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('convert')
        .description("Write the merged files of an image as an EROFS image, for the kernel's own driver.")
        .argument('<source>', SOURCE_ABOUT)
        .requiredOption('-o, --output <file>', 'output file; - is standard output')
        .option('--external', 'leave the bytes of files in the archive')
        .option('--overlay-lower', 'make it safe as a lower layer of kernel overlayfs')
        .option('--layer <layer>', LAYER_ABOUT)
        .option('--upto <layer>', UPTO_ABOUT),
    ).addHelpText('after', help),
    run: (source: string, args: ConvertArguments) => {
      const isPiped = args.output === '-';
      if (isPiped && isOutputTerminal()) {
        throw new InputError('convert: standard output is a terminal; use -o FILE or a pipe');
      }
      return {
        stream: (write) =>
          withImage(source, { ...args, requiresConfig: true }, async (image, report, signal) => {
            const options = {
              isExternal: args.external === true,
              isOverlayLower: args.overlayLower === true,
              signal,
            };
            const file = isPiped ? undefined : await OutputFile.create(args.output);
            let written;
            try {
              written = await image.writeErofs(
                (bytes) => (file === undefined ? write(Buffer.from(bytes)) : file.write(bytes)),
                options,
              );
            } catch (error) {
              await file?.discard();
              throw error;
            }
            await file?.keep();
            if (written.leftOut > 0) {
              report.notice(
                `left out ${written.leftOut} character devices 0:0, which overlayfs takes for whiteouts`,
              );
            }
            if (args.external === true && !isPiped) {
              await write(Buffer.from(mountCommand(args.output, written.devices)));
            }
            return 0;
          }),
      };
    },
  };
}

/** A command line for a shell. */
function mountCommand(image: string, devices: readonly string[]): string {
  const options = devices.map((path) => `,device="$(losetup -fr --show ${quote(path)})"`);
  return `mount -t erofs -o ro${options.join('')} ${quote(image)} DIR\n`;
}

/** One word for a shell; names with other characters than ASCII letters and a few signs are quoted. */
function quote(path: string): string {
  return /^[\w./:@%+=-]+$/.test(path) ? path : `'${showText(path).replaceAll("'", "'\\''")}'`;
}
