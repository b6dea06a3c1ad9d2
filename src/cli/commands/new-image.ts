// Shared code of the commands that write an image.
import type { CommandResult } from '../command-result.ts';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { NewImageOptions, WrittenImage } from '../../library/new-image.ts';
import { showPathName } from '../output/shown-path.ts';
import { type SourceArguments, addSourceOptions, withReport } from './inspection.ts';

export interface NewImageArguments extends SourceArguments {
  readonly output: string;
  readonly message?: string;
  readonly change?: string[];
  readonly compression: 'plain' | 'gzip' | 'zstd';
  readonly json?: true;
}

export const targetHelp = `
<target> is [docker-archive:]<file>[:<ref>], oci:<dir>[:<ref>] or oci-archive:<file>[:<ref>], as in skopeo and podman. An
existing file is not overwritten; an existing OCI layout gets an additional image. The file is created when the image is
complete. Unchanged layers are copied byte for byte, except that xz and bzip2 are decompressed. If SOURCE_DATE_EPOCH is
set, equal input gives equal output.

-c accepts CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR, like "docker commit -c".`;

export function addNewImageOptions(command: Command): Command {
  return addSourceOptions(command)
    .requiredOption('-o, --output <target>', 'where to write the image')
    .option('-m, --message <text>', 'comment for the history')
    .option(
      '-c, --change <instruction>',
      'apply a Dockerfile instruction to the configuration; repeatable',
      collect,
    )
    .addOption(
      new Option('--compression <method>', 'compression of the new layer')
        .choices(['plain', 'gzip', 'zstd'])
        .default('plain'),
    )
    .option('--json', 'print the digests as JSON');
}

function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** Runs `write` and prints the ID of the image that it wrote. */
export function writeNewImage(
  args: NewImageArguments,
  write: (target: string, options: NewImageOptions) => Promise<WrittenImage>,
): Promise<CommandResult> {
  return withReport(args, async (options, report) => {
    const written = await write(args.output, {
      ...options,
      compression: args.compression === 'plain' ? 'none' : args.compression,
      instructions: args.change ?? [],
      ...(args.message === undefined ? {} : { message: args.message }),
      onLeftOut: (path) => report.notice(`${showPathName(path)}: ${path.remark}`),
    });
    report.end();
    return args.json === true ? { json: describe(written) } : { text: `${written.id}\n` };
  });
}

function describe({ id, manifestDigest, layer }: WrittenImage): object {
  return {
    id,
    manifestDigest,
    layer: layer === undefined ? null : { digest: layer.digest, diffId: layer.diffId, size: layer.size },
  };
}
