// stratafs inspect: prints what `docker image inspect` prints, or the manifest or the config of an image.
import type { CliCommand, CommandResult, WriteBytes } from '../command-result.ts';
import { Command } from 'commander';
import type { ImageDocument } from '../../library/image.ts';
import type { OpenOptions } from '../../library/open-image.ts';
import { readConfig, readManifest } from '../../library/stored-documents.ts';
import { SOURCE_ABOUT, addSourceOptions, type SourceArguments, withImage, withReport } from './inspection.ts';
import { UsageError } from '../options/usage-error.ts';
import { createTemplate } from '../output/template/template.ts';
import { showForReader } from '../output/terminal-lines.ts';
import { showJson } from '../../vfs/show-text.ts';

/** The fields of the output, for --format. */
const fields = [
  ...['Id', 'RepoTags', 'RepoDigests', 'Comment', 'Created', 'DockerVersion', 'Author', 'Config'],
  ...[
    'Architecture',
    'Variant',
    'Os',
    'OsVersion',
    'Size',
    'RootFS',
    'Descriptor',
    'Annotations',
    'Platforms',
  ],
] as const satisfies readonly (keyof ImageDocument)[];

const help = `
Prints a JSON array with one object for each image, with the fields of "docker image inspect": .Id, .RepoTags, .Created,
.Config (with .Env, .Cmd, .Labels and so on), .Architecture, .Os, .Size, .RootFS.Layers and others. stratafs adds .Descriptor
and .Annotations of the manifest, and .Platforms, all platforms of the image in the archive. Fields that an image does not
have are left out.
--raw prints the bytes of the manifest (of a docker archive, its manifest.json), like "skopeo inspect --raw". --config prints
the config instead, indented, or with --raw its bytes.

Examples:
  stratafs inspect app.tar
  stratafs inspect -f '{{json .Config.Labels}}' app.tar
  stratafs inspect --config app.tar
  stratafs inspect --raw oci:layout:latest | sha256sum`;

interface InspectArguments extends SourceArguments {
  readonly raw?: true;
  readonly config?: true;
  readonly format?: string;
}

/** Fields that docker's config always has in templates. */
const configFields = [
  ...['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels'],
  ...['StopSignal', 'Healthcheck', 'OnBuild', 'Shell'],
];

/** With nil for fields that the image doesn't have. */
function forTemplate({ Config, ...document }: ImageDocument): object {
  const nothing = Object.fromEntries(fields.map((field) => [field, null]));
  const config = { ...Object.fromEntries(configFields.map((field) => [field, null])), ...Config };
  const present = Object.entries(document).filter(([, value]) => value !== undefined);
  return { ...nothing, ...Object.fromEntries(present), Config: config };
}

async function describeImages(sources: readonly string[], args: SourceArguments): Promise<ImageDocument[]> {
  const described: ImageDocument[] = [];
  for (const source of sources) {
    described.push(
      await withImage(source, { ...args, listsForeign: true, fetches: false }, (image) => image.inspect()),
    );
  }
  return described;
}

/** Writes the documents of all sources, one after the other. */
async function writeDocuments(
  sources: readonly string[],
  args: InspectArguments,
  options: OpenOptions,
  write: WriteBytes,
): Promise<void> {
  for (const source of sources) {
    const bytes = await (args.config === true ? readConfig : readManifest)(source, options);
    if (args.raw === true) await write(bytes);
    else await write(Buffer.from(`${showJson(JSON.parse(bytes.toString()), 2)}\n`));
  }
}

async function runInspect(sources: string[], args: InspectArguments): Promise<CommandResult> {
  if (args.format !== undefined && (args.raw === true || args.config === true)) {
    throw new UsageError('inspect: --format and --raw or --config are given, expected one of them');
  }
  if (args.raw === true || args.config === true) {
    return {
      stream: (write) =>
        withReport(args, async (options) => {
          await writeDocuments(sources, args, options, write);
          return 0;
        }),
    };
  }
  if (args.format === undefined) return { json: await describeImages(sources, args) };
  const template = args.format === 'json' ? undefined : createTemplate(args.format, fields);
  const described = await describeImages(sources, args);
  const lines = described.map((each) => template?.apply(forTemplate(each), showForReader) ?? showJson(each));
  return { text: lines.map((line) => `${line}\n`).join('') };
}

export function inspectCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('inspect')
        .description('Print the config, manifest and platforms of images, like "docker image inspect".')
        .argument('<source...>', SOURCE_ABOUT)
        .option('-f, --format <format>', '"json" or a template')
        .option('--raw', 'print the bytes of the manifest')
        .option('--config', 'print the config instead of the manifest'),
    ).addHelpText('after', help),
    run: runInspect,
  };
}
