// stratafs layers: shows the layers of an image: where they are stored, and what each of them changes.
import { BYTES_ABOUT, JSON_ABOUT, NO_TRUNC_ABOUT, FORMAT_ABOUT } from './option-texts.ts';
import { outputWidth } from '../output/terminal.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import type { Image } from '../../library/image.ts';
import type { LayerChanges, LayerSummary } from '../../library/layers.ts';
import { shortenDigest } from '../output/docker-units.ts';
import { SOURCE_ABOUT, addSourceOptions, sizeWriter, type SourceArguments, withImage } from './inspection.ts';
import { describeLayer, memberOf } from '../output/layer-json.ts';
import { oneLine } from '../output/instruction.ts';
import { type Column, formatTable } from '../output/table.ts';
import { type Fields, formatRows } from '../output/template.ts';

const help = `
The base comes first. SIZE is the bytes of the files in the layer, STORED the bytes of its blob. The blob begins at OFFSET of
the archive, or of FILE if it is a file of its own. ADDED, CHANGED and DELETED count the names that the layer adds, replaces
and removes; a directory counts as changed if its attributes change.
The fields of --format templates are .Layer, .Size, .Stored, .Compression, .Added, .Changed, .Deleted, .Instruction,
.DiffID, .ChainID, .Offset and .File. docs/json.md describes the output of --json.

Examples:
  stratafs layers app.tar
  stratafs layers -q app.tar | tail -n 1    DiffID of the top layer`;

interface LayersArguments extends SourceArguments {
  readonly trunc: boolean;
  readonly quiet?: true;
  readonly format?: string;
  readonly bytes?: true;
  readonly json?: true;
}

const columns: readonly (readonly [field: string, Column])[] = [
  ['Layer', { title: 'LAYER', align: 'right' }],
  ['Size', { title: 'SIZE', align: 'right' }],
  ['Stored', { title: 'STORED', align: 'right' }],
  ['Compression', { title: 'COMPRESSION' }],
  ['Added', { title: 'ADDED', align: 'right' }],
  ['Changed', { title: 'CHANGED', align: 'right' }],
  ['Deleted', { title: 'DELETED', align: 'right' }],
  ['Instruction', { title: 'INSTRUCTION' }],
  ['DiffID', { title: 'DIFFID' }],
  ['ChainID', { title: 'CHAINID' }],
  ['Offset', { title: 'OFFSET', align: 'right' }],
  ['File', { title: 'FILE' }],
];
const titles: Fields = Object.fromEntries(columns.map(([field, { title }]) => [field, title]));

/** Width of a truncated instruction, the same as CREATED BY in `history`. */
const INSTRUCTION_WIDTH = 45;

interface Row {
  readonly layer: LayerSummary;
  /** Undefined if a layer is missing, so that layers can't be compared. */
  readonly changes: LayerChanges | undefined;
  readonly instruction: string | undefined;
}

async function rowsOf(image: Image): Promise<Row[]> {
  const isWhole = image.layers.every(({ missing }) => missing === undefined);
  const changes = isWhole ? await image.layerChanges() : [];
  return image.layers.map(({ instruction, ...layer }, i) => ({ layer, changes: changes[i], instruction }));
}

function cellsOf({ layer, changes, instruction }: Row, args: LayersArguments): string[] {
  const size = sizeWriter(args.bytes);
  const digest = (text: string | undefined): string => (args.trunc ? shortenDigest(text) : (text ?? ''));
  return [
    String(layer.number),
    ...[layer.size, layer.storedSize].map((bytes) => (layer.missing === undefined ? size(bytes) : 'N/A')),
    layer.compression,
    ...[changes?.added, changes?.changed, changes?.deleted].map((count) => String(count ?? 'N/A')),
    oneLine(instruction, args.trunc ? INSTRUCTION_WIDTH : Infinity),
    digest(layer.diffId),
    digest(layer.chainId),
    layer.blob === undefined ? '' : String(layer.blob.offset),
    placeOf(layer, args),
  ];
}

function placeOf({ blob, directory }: LayerSummary, { trunc }: LayersArguments): string {
  const place = memberOf(blob?.member) ?? blob?.path ?? directory ?? '';
  return trunc ? place.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1\u2026') : place;
}

function nameCells(cells: readonly string[]): Fields {
  return Object.fromEntries(columns.map(([field], i) => [field, cells[i] ?? '']));
}

export function layersCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('layers')
        .description('Show the layers of an image: position, size and changes.')
        .argument('<source>', SOURCE_ABOUT)
        .option('--no-trunc', NO_TRUNC_ABOUT)
        .option('-q, --quiet', 'print DiffIDs only')
        .option('--format <format>', FORMAT_ABOUT)
        .option('--bytes', BYTES_ABOUT)
        .option('--json', JSON_ABOUT),
    ).addHelpText('after', help),
    run: (source: string, args: LayersArguments) =>
      withImage(source, { ...args, listsForeign: true }, async (image, report) => {
        if (args.quiet === true) {
          const ids = image.layers.map(({ diffId }) => diffId ?? '<unknown>');
          return { text: ids.map((id) => `${id}\n`).join('') };
        }
        const rows = await rowsOf(image);
        for (const { layer } of rows) if (layer.missing !== undefined) report.warning(layer.missing);
        if (args.json === true) {
          return {
            json: rows.map(({ layer, ...rest }) => ({
              ...(describeLayer(layer) as Record<string, unknown>),
              ...rest,
            })),
          };
        }
        const cells = rows.map((row) => cellsOf(row, args));
        return {
          text:
            args.format === undefined || args.format === 'table'
              ? formatTable(
                  columns.map(([, column]) => column),
                  cells,
                  outputWidth(),
                )
              : formatRows(args.format, titles, cells.map(nameCells), outputWidth()),
        };
      }),
  };
}
