// stratafs which: shows the layer that a path comes from, the instruction that made it, and every lower version.
import { BYTES_ABOUT, FORMAT_ABOUT, JSON_ABOUT, NO_TRUNC_ABOUT } from './option-texts.ts';
import { showPathName } from '../output/shown-path.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import type { Image } from '../../library/image.ts';
import type { PathHistory, PathVersion } from '../../library/which.ts';
import type { PathName } from '../../library/path-name.ts';
import { showText } from '../../vfs/show-text.ts';
import { SOURCE_ABOUT, addSourceOptions, sizeWriter, type SourceArguments, withShown } from './inspection.ts';
import { fitLine } from '../output/terminal-lines.ts';
import { oneLine } from '../output/instruction.ts';
import { typeOfMode } from '../output/mode.ts';
import { type ColorChoice, type Palette, colorOption, outputPalette, paint } from '../output/color.ts';
import { type Fields, Listing, type RowFormat } from '../output/listing.ts';

const listing = new Listing([
  { name: 'Asked', title: 'ASKED' },
  { name: 'Path', title: 'PATH' },
  { name: 'Layer', title: 'LAYER', align: 'right' },
  { name: 'Change', title: 'CHANGE' },
  { name: 'Type', title: 'TYPE' },
  { name: 'Mode', title: 'MODE' },
  { name: 'Size', title: 'SIZE', align: 'right' },
  { name: 'How', title: 'HOW' },
  { name: 'Instruction', title: 'INSTRUCTION' },
]);
const shown = ['Layer', 'Change', 'Type', 'Size', 'How', 'Instruction'];

const help = `
Paths start at the root of the image. Symlinks in directory names are followed inside the image; the last name is not
followed. All versions of the path are listed, topmost layer first. CHANGE is one of:
  added        no lower layer has the path
  replaced     a lower layer has it; HOW lists the differences: "mode", "size" and so on
  attributes   only attributes differ; the content is that of the lower layers
  moved        the path was renamed; the versions at the old path follow
  repeated     the layer contains the directory again, unchanged
  deleted      removed by a whiteout, an opaque directory above, or a new file in place of a parent directory
HOW contains "content" if files of equal size have different bytes, and "content?" if they were not compared, because they
are larger than 256 MiB or cannot be read. The top layer of a mount with an upper directory is called upper. On a mount,
"getfattr -n user.stratafs.layer <path>" also prints the layer.
With --format, all versions of all paths are in one list; .Asked is the path as it was typed. ${listing.help}
docs/json.md describes the output of --json.
The exit status is 1 if one of the paths does not exist in the image.

Examples:
  stratafs which app.tar /etc/passwd
  stratafs which -q app.tar /bin/sh /bin/ls    layer numbers only
  stratafs which --format '{{.Change}}' app.tar /bin/sh`;

interface WhichArguments extends SourceArguments {
  readonly trunc: boolean;
  readonly quiet?: true;
  readonly format?: string;
  readonly color: ColorChoice;
  readonly bytes?: true;
  readonly json?: true;
}

/** Width of a truncated instruction, the same as CREATED BY in `history`. */
const INSTRUCTION_WIDTH = 45;

/** The directory's path, or the root if the library names none. */
const showDirectory = (directory: PathName | undefined): string =>
  directory === undefined ? '/' : showPathName(directory);

function showHow({ cause, with: directory, from, attributes, layer, source, change }: PathVersion): string {
  const hidden =
    cause === 'opaque'
      ? `${showDirectory(directory)} is opaque`
      : cause === 'replaced'
        ? `${showDirectory(directory)} was replaced`
        : cause === 'whiteout'
          ? directory === undefined
            ? 'whiteout'
            : `whiteout of ${showDirectory(directory)}`
          : undefined;
  const isElsewhere = source !== undefined && source !== layer;
  const link = !isElsewhere
    ? undefined
    : change === 'attributes' || change === 'moved'
      ? `bytes of layer ${source}`
      : `hard link to layer ${source}`;
  const origin = from === undefined ? undefined : `from ${showPathName(from)}`;
  return [hidden, origin, link, ...attributes].filter((each) => each !== undefined).join(' ');
}

/** Converts layer numbers to those of the source's image. */
type LayerNames = (number: number) => number | 'upper';

function namesOf({ hasUpper, layers }: Image): LayerNames {
  return (number) => (hasUpper && number === layers.length ? 'upper' : number);
}

/** The history of a path, with the path as the user typed it. */
type RequestedHistory = PathHistory & { readonly asked: string };

function styleOfChange({ change }: PathVersion, palette: Palette): string {
  switch (change) {
    case 'added':
    case 'deleted':
    case 'moved':
      return palette[change];
    case 'repeated':
      return palette.faint;
    default:
      return palette.changed;
  }
}

/** Of all versions of a path, topmost first. */
function fieldsOf(
  history: RequestedHistory,
  instructions: readonly (string | undefined)[],
  nameLayer: LayerNames,
  args: WhichArguments,
): Fields[] {
  const size = sizeWriter(args.bytes);
  return history.versions.map((version) => ({
    Asked: history.asked,
    Path: showPathName(history),
    Layer: String(nameLayer(version.layer)),
    Change: version.change,
    Type: version.mode === undefined ? '' : typeOfMode(version.mode),
    Mode: version.mode === undefined ? '' : showPermissions(version.mode),
    Size: version.size === undefined ? '' : size(version.size),
    How: showHow(version),
    Instruction: oneLine(instructions[version.layer - 1], args.trunc ? INSTRUCTION_WIDTH : Infinity),
  }));
}

/** Four octal digits. */
const showPermissions = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

function formatPath(
  history: RequestedHistory,
  rows: readonly Fields[],
  format: RowFormat,
  palette: Palette,
): string {
  const path = showPathName(history);
  const typed = showText(history.asked);
  const line = typed === path || `/${typed}` === path ? path : `${typed} -> ${path}`;
  const [top] = history.versions;
  if (top === undefined) return `${fitLine(line)}\nno layer has it\n`;
  const listed = rows.map((row, i) => {
    const version = history.versions[i] as PathVersion;
    return {
      fields: row,
      cells: { Change: { text: version.change, style: styleOfChange(version, palette) } },
    };
  });
  const name = history.pathBytes.toString('latin1');
  const style = top.mode === undefined ? '' : palette.fileStyle({ name, mode: top.mode });
  const table = format.write(listed, shown);
  return `${paint(style, fitLine(line))}\n${table}`;
}

/** The number of the layer that the visible version comes from; '-' if the path does not exist. */
function topLayer({ isShown, versions }: PathHistory, nameLayer: LayerNames): string {
  const [top] = versions;
  return isShown && top !== undefined ? String(nameLayer(top.layer)) : '-';
}

function describePath(
  history: RequestedHistory,
  instructions: readonly (string | undefined)[],
  nameLayer: LayerNames,
): object {
  const { isShown, versions } = history;
  return {
    asked: history.asked,
    path: showPathName(history),
    layer: isShown && versions[0] !== undefined ? nameLayer(versions[0].layer) : undefined,
    versions: versions.map(({ mode, with: directory, from, source, ...version }) => ({
      ...version,
      layer: nameLayer(version.layer),
      source: source === undefined ? undefined : nameLayer(source),
      with: directory === undefined ? undefined : showPathName(directory),
      from: from === undefined ? undefined : showPathName(from),
      type: mode === undefined ? undefined : typeOfMode(mode),
      mode: mode === undefined ? undefined : showPermissions(mode),
      instruction: instructions[version.layer - 1],
    })),
  };
}

export function whichCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('which')
        .description('Show which layer a path comes from, and all lower versions of it.')
        .argument('<source>', SOURCE_ABOUT)
        .argument('<path...>', 'paths in the image')
        .option('--no-trunc', NO_TRUNC_ABOUT)
        .option('-q, --quiet', 'print only the layer number of each path; - if it does not exist')
        .option('--format <format>', FORMAT_ABOUT)
        .addOption(colorOption())
        .option('--bytes', BYTES_ABOUT)
        .option('--json', JSON_ABOUT),
    ).addHelpText('after', help),
    run: (source: string, paths: string[], args: WhichArguments) => {
      const format = listing.parse(args.format);
      const palette = outputPalette(args.color);
      return withShown(source, args, async (image, _report, signal) => {
        const histories: RequestedHistory[] = [];
        for (const path of paths) histories.push({ ...(await image.which(path, { signal })), asked: path });
        const status = histories.every(({ isShown }) => isShown) ? 0 : 1;
        const instructions = image.layers.map(({ instruction }) => instruction);
        const nameLayer = namesOf(image);
        if (args.json === true) {
          return { json: histories.map((each) => describePath(each, instructions, nameLayer)), status };
        }
        if (args.quiet === true) {
          return { text: histories.map((each) => `${topLayer(each, nameLayer)}\n`).join(''), status };
        }
        const rows = histories.map((each) => fieldsOf(each, instructions, nameLayer, args));
        if (!format.isOwnTable) {
          const listed = rows.flat().map((row) => ({ fields: row }));
          return { text: format.write(listed, shown), status };
        }
        const texts = histories.map((each, i) => formatPath(each, rows[i] ?? [], format, palette));
        return { text: texts.join('\n'), status };
      });
    },
  };
}
