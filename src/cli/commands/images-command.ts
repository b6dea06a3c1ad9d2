// stratafs images: lists the images of archives, like `docker images`, and the layers that they share.
import { BYTES_ABOUT, JSON_ABOUT, NO_TRUNC_ABOUT, FORMAT_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { type ImageList, type ListedImage, listImages, repositoryTags } from '../../library/images.ts';
import { showText } from '../../vfs/show-text.ts';
import { shortenDigest, showCreated } from '../output/docker-units.ts';
import {
  SOURCE_ABOUT,
  addSourceOptions,
  sizeWriter,
  type SourceArguments,
  withReport,
} from './inspection.ts';
import { describeLayer } from '../output/layer-json.ts';
import { showPlatform } from '../options/platform.ts';
import { type Fields, Listing, type RowFormat } from '../output/listing.ts';

const listing = new Listing([
  { name: 'Repository', title: 'REPOSITORY' },
  { name: 'Tag', title: 'TAG' },
  { name: 'ID', title: 'IMAGE ID', isWhole: true },
  { name: 'Platform', title: 'PLATFORM' },
  { name: 'CreatedSince', title: 'CREATED', isWhole: true },
  { name: 'CreatedAt', title: 'CREATED AT' },
  { name: 'Size', title: 'SIZE', isWhole: true },
  { name: 'SharedSize', title: 'SHARED SIZE', isWhole: true, isOptional: true },
  { name: 'UniqueSize', title: 'UNIQUE SIZE', isWhole: true, isOptional: true },
  { name: 'Source', title: 'SOURCE', isOptional: true },
]);

const help = `
Each name of an image has a line, newest image first. SIZE is the bytes of the files in all layers, as docker counts them.
With several sources, or with --shared, SHARED SIZE is the bytes of the layers that other listed images have too, and
UNIQUE SIZE the rest, as in "docker system df -v". The total counts each layer once.
An image that cannot be read has a line and a warning, and the exit status is 1. Artifacts such as signatures or charts
have a warning only. --all lists the platforms that an index names but that were not saved.
${listing.help} docs/json.md describes the output of --json.

Examples:
  stratafs images *.tar
  stratafs images --format '{{.ID}} {{.Tag}}' app.tar`;

interface ImagesArguments extends SourceArguments {
  readonly all?: true;
  readonly shared?: true;
  readonly trunc: boolean;
  readonly quiet?: true;
  readonly format?: string;
  readonly bytes?: true;
  readonly json?: true;
}

const UNKNOWN = 'N/A';
/** Significant digits of shared sizes, as in "docker system df". */
const DF_FIGURES = 4;

/** The columns, by their names in docker's templates. */
function fieldsOf(images: readonly ListedImage[], args: ImagesArguments): Fields[] {
  const now = Date.now();
  const size = sizeWriter(args.bytes);
  const exact = sizeWriter(args.bytes, DF_FIGURES);
  const show = (bytes: number | undefined, write = exact): string =>
    bytes === undefined ? UNKNOWN : write(bytes);
  return images.flatMap(({ source, names, id, platform, created, use }) =>
    repositoryTags(names).map(({ repository, tag }) => ({
      Repository: repository,
      Tag: tag,
      ID: id === undefined ? '<none>' : args.trunc ? shortenDigest(id) : id,
      Platform: platform === undefined ? '' : showPlatform(platform),
      CreatedSince: showCreated(created, now),
      CreatedAt: created ?? UNKNOWN,
      Size: show(use?.size, size),
      SharedSize: show(use?.sharedSize),
      UniqueSize: show(use?.uniqueSize),
      Source: source,
    })),
  );
}

/** The columns of the table. Those for platforms and sources, which docker lacks, are shown if rows differ in them. */
function shownFields(rows: readonly Fields[], isShared: boolean): string[] {
  const differs = (name: string): boolean => new Set(rows.map((row) => row[name])).size > 1;
  return [
    ...['Repository', 'Tag', 'ID'],
    ...(differs('Platform') ? ['Platform'] : []),
    ...['CreatedSince', 'Size'],
    ...(isShared ? ['SharedSize', 'UniqueSize'] : []),
    ...(differs('Source') ? ['Source'] : []),
  ];
}

function formatImages(
  { images, totalSize }: ImageList,
  format: RowFormat,
  args: ImagesArguments,
  isShared: boolean,
): string {
  const rows = fieldsOf(images, args);
  if (args.quiet === true) return rows.map(({ ID }) => `${ID ?? ''}\n`).join('');
  const table = format.write(
    rows.map((row) => ({ fields: row })),
    shownFields(rows, isShared),
  );
  return isShared && format.isOwnTable
    ? `${table}\nTotal: ${sizeWriter(args.bytes, DF_FIGURES)(totalSize)}, each layer once\n`
    : table;
}

function describeImages({ images, totalSize }: ImageList): object {
  return {
    images: images.map(({ layers, use, ...image }) => ({
      source: image.source,
      id: image.id,
      names: image.names,
      platform: image.platform === undefined ? undefined : showPlatform(image.platform),
      created: image.created,
      ...use,
      problem: image.problem,
      layers: layers?.map(describeLayer),
    })),
    totalSize,
  };
}

export function imagesCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('images')
        .description('List the images in archives like "docker images", and the layers they share.')
        .argument('<source...>', SOURCE_ABOUT)
        .option('-a, --all', 'list platforms that were not saved, too')
        .option('--shared', 'show shared and unique sizes (default with several sources)')
        .option('--no-trunc', NO_TRUNC_ABOUT)
        .option('-q, --quiet', 'print image IDs only')
        .option('--format <format>', FORMAT_ABOUT)
        .option('--bytes', BYTES_ABOUT)
        .option('--json', JSON_ABOUT),
    ).addHelpText('after', help),
    run: (sources: string[], args: ImagesArguments) => {
      const format = listing.parse(args.format);
      return withReport({ ...args, listsForeign: true }, async (options, report) => {
        const { images, totalSize } = await listImages(sources, options);
        report.end();
        let status = 0;
        const shown = images.filter(({ isMissing }) => args.all === true || !isMissing);
        for (const { source, problem, isArtifact, isMissing } of shown) {
          if (problem === undefined || isMissing) continue;
          report.warning(problem.startsWith(source) ? problem : `${showText(source)}: ${problem}`);
          if (!isArtifact) status = 1;
        }
        const list = { images: shown, totalSize };
        if (args.json === true) return { json: describeImages(list), status };
        const isShared = args.shared === true || sources.length > 1;
        return { text: formatImages(list, format, args, isShared), status };
      });
    },
  };
}
