// stratafs history: shows the steps that made the layers, newest first, like `docker history`.
import { BYTES_ABOUT, JSON_ABOUT, NO_TRUNC_ABOUT, FORMAT_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import type { Image } from '../../library/image.ts';
import type { HistoryEntry } from '../../library/layers.ts';
import { showLines, showText } from '../../vfs/show-text.ts';
import { shortenDigest, showCreated } from '../output/docker-units.ts';
import { SOURCE_ABOUT, addSourceOptions, sizeWriter, type SourceArguments, withImage } from './inspection.ts';
import { describeLayer } from '../output/layer-json.ts';
import { type Fields, Listing, type RowFormat } from '../output/listing.ts';
import { type ColorChoice, type Palette, colorOption, outputPalette, paint } from '../output/color.ts';
import { ellipsize } from '../output/terminal-lines.ts';
import { UsageError } from '../options/usage-error.ts';

/** docker's fields, and those of the columns that --layers adds. */
const listing = new Listing([
  { name: 'ID', title: 'IMAGE', isWhole: true },
  { name: 'CreatedSince', title: 'CREATED' },
  { name: 'CreatedAt', title: 'CREATED AT' },
  { name: 'CreatedBy', title: 'CREATED BY' },
  { name: 'Size', title: 'SIZE' },
  { name: 'Comment', title: 'COMMENT' },
  { name: 'Layer', title: 'LAYER', align: 'right', isOptional: true },
  { name: 'DiffID', title: 'DIFFID', isWhole: true, isOptional: true },
  { name: 'Digest', title: 'DIGEST', isWhole: true, isOptional: true },
  { name: 'Compression', title: 'COMPRESSION', isOptional: true },
  { name: 'Stored', title: 'STORED', align: 'right', isOptional: true },
  { name: 'Files', title: 'FILES', align: 'right', isOptional: true },
  { name: 'Whiteouts', title: 'WHITEOUTS', align: 'right', isOptional: true },
  { name: 'Opaques', title: 'OPAQUES', align: 'right', isOptional: true },
]);

function shownFields(args: HistoryArguments): string[] {
  return [
    'ID',
    isHuman(args) ? 'CreatedSince' : 'CreatedAt',
    ...['CreatedBy', 'Size', 'Comment'],
    ...(args.layers === true
      ? ['Layer', 'DiffID', 'Digest', 'Compression', 'Stored', 'Files', 'Whiteouts', 'Opaques']
      : []),
  ];
}

const help = `
IMAGE is the image ID in the newest line and <missing> in all others, as docker prints it for images that were pulled or
loaded: intermediate images of a build are not saved. SIZE is the bytes of the files in the layer of the step. Steps that
only change the configuration have no layer and show 0B.
--layers adds the number of the layer, counted from 1 at the base, its DiffID and digest, its compression and stored size,
and its numbers of files, whiteouts and opaque directories. Columns that do not fit the terminal are left out; a pipe gets
all of them.
${listing.help} docs/json.md describes the output of --json.

Examples:
  stratafs history app.tar
  stratafs history --format '{{.CreatedBy}}' app.tar
  stratafs history --dockerfile oci:layout:latest`;

/** Width of a truncated CREATED BY, the same as docker's. */
const CREATED_BY_WIDTH = 45;

interface HistoryArguments extends SourceArguments {
  readonly human?: boolean | string;
  readonly trunc: boolean;
  readonly quiet?: true;
  readonly format?: string;
  readonly color: ColorChoice;
  readonly layers?: true;
  readonly dockerfile?: true;
  readonly bytes?: true;
  readonly json?: true;
}

/** Parses docker's -H, --human and --human=false. */
function isHuman({ human }: HistoryArguments): boolean {
  if (human === undefined || human === true || human === 'true' || human === '1') return true;
  if (human === 'false' || human === '0') return false;
  throw new UsageError(`--human: found '${String(human)}', expected true or false`);
}

/** The fields of the steps, newest first. */
function fieldsOf(image: Image, args: HistoryArguments): Fields[] {
  const human = isHuman(args);
  const size = sizeWriter(!human || args.bytes);
  const now = Date.now();
  const id = image.id ?? '<missing>';
  return image.history.toReversed().map(({ step, layer }, i) => {
    const createdBy = (step?.createdBy ?? '').replace(/\t/g, ' ');
    const isSurplus = step?.emptyLayer === false && layer === undefined;
    return {
      ID: i > 0 || image.id === undefined ? '<missing>' : args.trunc ? shortenDigest(id) : id,
      CreatedSince: human ? showCreated(step?.created, now) : (step?.created ?? 'N/A'),
      CreatedAt: step?.created ?? 'N/A',
      CreatedBy: args.trunc ? ellipsize(createdBy, CREATED_BY_WIDTH) : createdBy,
      Size: isSurplus || layer?.missing !== undefined ? 'N/A' : size(layer?.size ?? 0),
      Comment: step?.comment ?? '',
      ...layerFields(layer, args),
    };
  });
}

function layerFields(layer: HistoryEntry['layer'], args: HistoryArguments): Fields {
  const names = ['Layer', 'DiffID', 'Digest', 'Compression', 'Stored', 'Files', 'Whiteouts', 'Opaques'];
  if (layer === undefined) return Object.fromEntries(names.map((name) => [name, '']));
  const size = sizeWriter(!isHuman(args) || args.bytes);
  const digest = (text: string | undefined): string => (args.trunc ? shortenDigest(text) : (text ?? ''));
  const count = (number: number): string => (layer.missing === undefined ? String(number) : 'N/A');
  const { files, whiteouts, opaques } = layer.counts;
  return {
    Layer: String(layer.number),
    DiffID: digest(layer.diffId),
    Digest: digest(layer.digest),
    Compression: layer.compression,
    Stored: layer.missing === undefined || layer.storedSize > 0 ? size(layer.storedSize) : 'N/A',
    Files: count(files),
    Whiteouts: count(whiteouts),
    Opaques: count(opaques),
  };
}

/** Steps that made no layer are faint. */
function formatHistory(image: Image, format: RowFormat, palette: Palette, args: HistoryArguments): string {
  const rows = fieldsOf(image, args);
  if (args.quiet === true) return rows.map(({ ID }) => `${ID ?? ''}\n`).join('');
  const listed = rows.map((row) => {
    const { ID = '', CreatedBy = '', Layer } = row;
    const instruction = Layer === '' ? { CreatedBy: { text: CreatedBy, style: palette.faint } } : {};
    return { fields: row, cells: { ID: { text: ID, style: palette.id }, ...instruction } };
  });
  return format.write(listed, shownFields(args));
}

/** Base first, as in a Dockerfile. A comment above an instruction names the layer that it made. */
function formatDockerfile(image: Image, palette: Palette, args: HistoryArguments): string {
  const size = sizeWriter(args.bytes);
  const lines = image.historyGap === undefined ? ['FROM scratch'] : [];
  for (const { layer, instruction } of image.history) {
    if (layer !== undefined) {
      const digest = args.trunc ? shortenDigest(layer.diffId) : (layer.diffId ?? '');
      const comment = `# layer ${layer.number}: ${size(layer.size)} ${digest}`.trimEnd();
      lines.push('', paint(palette.id, comment));
    }
    lines.push(
      instruction === undefined ? paint(palette.faint, '# unknown instruction') : showLines(instruction),
    );
  }
  return `${lines.join('\n')}\n`;
}

function describeHistory(image: Image): object {
  return {
    source: image.source,
    id: image.id,
    names: image.names,
    created: image.created,
    history: image.history.toReversed().map(({ step, layer }) => ({
      ...step,
      size: layer?.size ?? 0,
      layer: layer === undefined ? undefined : describeLayer(layer),
    })),
  };
}

export function historyCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('history')
        .description('Show the build steps of an image, newest first, like "docker history".')
        .argument('<source>', SOURCE_ABOUT)
        .optionsGroup('Output:')
        .option('-H, --human [bool]', 'print sizes and dates in human-readable form (default: true)')
        .option('--no-trunc', NO_TRUNC_ABOUT)
        .option('-q, --quiet', 'print image IDs only')
        .option('--format <format>', FORMAT_ABOUT)
        .option('--layers', 'add columns about the layers')
        .addOption(colorOption())
        .option('--dockerfile', 'print the steps as a Dockerfile, base first')
        .option('--bytes', BYTES_ABOUT)
        .option('--json', JSON_ABOUT),
      'Other:',
    ).addHelpText('after', help),
    run: (source: string, args: HistoryArguments) => {
      const format = listing.parse(args.format);
      const palette = outputPalette(args.color);
      return withImage(source, { ...args, listsForeign: true, fetches: false }, (image, report) => {
        const { historyGap } = image;
        if (historyGap !== undefined) report.warning(`${showText(source)}: ${historyGap}`);
        if (args.json === true) return { json: describeHistory(image) };
        return {
          text:
            args.dockerfile === true
              ? formatDockerfile(image, palette, args)
              : formatHistory(image, format, palette, args),
        };
      });
    },
  };
}
