// stratafs layers: shows the layers of an image: where they are stored, and what each of them changes.
import { BYTES_ABOUT, JSON_ABOUT, NO_TRUNC_ABOUT, FORMAT_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import type { Image } from '../../library/image.ts';
import type { LayerChanges, LayerSummary } from '../../library/layers.ts';
import { shortenDigest } from '../output/docker-units.ts';
import { SOURCE_ABOUT, addSourceOptions, sizeWriter, type SourceArguments, withImage } from './inspection.ts';
import { describeLayer, memberOf } from '../output/layer-json.ts';
import { oneLine } from '../output/instruction.ts';
import { type Fields, Listing } from '../output/listing.ts';

const listing = new Listing([
  { name: 'Layer', title: 'LAYER', align: 'right' },
  { name: 'Size', title: 'SIZE', align: 'right' },
  { name: 'Stored', title: 'STORED', align: 'right' },
  { name: 'Compression', title: 'COMPRESSION' },
  { name: 'Added', title: 'ADDED', align: 'right' },
  { name: 'Changed', title: 'CHANGED', align: 'right' },
  { name: 'Deleted', title: 'DELETED', align: 'right' },
  { name: 'Instruction', title: 'INSTRUCTION' },
  { name: 'DiffID', title: 'DIFFID', isWhole: true, isOptional: true },
  { name: 'ChainID', title: 'CHAINID', isWhole: true, isOptional: true },
  { name: 'Offset', title: 'OFFSET', align: 'right', isOptional: true },
  { name: 'File', title: 'FILE', isOptional: true },
]);

const help = `
The base comes first. SIZE is the bytes of the files in the layer, STORED the bytes of its blob. The blob begins at OFFSET of
the archive, or of FILE if it is a file of its own. ADDED, CHANGED and DELETED count the names that the layer adds, replaces
and removes; a directory counts as changed if its attributes change.
${listing.help} docs/json.md describes the output of --json.

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

function fieldsOf({ layer, changes, instruction }: Row, args: LayersArguments): Fields {
  const write = sizeWriter(args.bytes);
  const size = (bytes: number): string => (layer.missing === undefined ? write(bytes) : 'N/A');
  const count = (names: number | undefined): string => String(names ?? 'N/A');
  const digest = (text: string | undefined): string => (args.trunc ? shortenDigest(text) : (text ?? ''));
  return {
    Layer: String(layer.number),
    Size: size(layer.size),
    Stored: size(layer.storedSize),
    Compression: layer.compression,
    Added: count(changes?.added),
    Changed: count(changes?.changed),
    Deleted: count(changes?.deleted),
    Instruction: oneLine(instruction, args.trunc ? INSTRUCTION_WIDTH : Infinity),
    DiffID: digest(layer.diffId),
    ChainID: digest(layer.chainId),
    Offset: layer.blob === undefined ? '' : String(layer.blob.offset),
    File: placeOf(layer, args),
  };
}

function placeOf({ blob, directory }: LayerSummary, { trunc }: LayersArguments): string {
  const place = memberOf(blob?.member) ?? blob?.path ?? directory ?? '';
  return trunc ? place.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1\u2026') : place;
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
    run: (source: string, args: LayersArguments) => {
      const format = listing.parse(args.format);
      return withImage(source, { ...args, listsForeign: true }, async (image, report) => {
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
        const listed = rows.map((row) => ({ fields: fieldsOf(row, args) }));
        return { text: format.write(listed) };
      });
    },
  };
}
