// stratafs waste: shows files that an image stores but hides; with --ci, checks the waste against rules.
import { BYTES_ABOUT, FORMAT_ABOUT, JSON_ABOUT } from './option-texts.ts';
import { S_IFREG } from '../../vfs/attr.ts';
import { latin1Of } from '../../vfs/names.ts';
import { showPathName } from '../output/shown-path.ts';
import { outputWidth } from '../output/terminal.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import type { Waste } from '../../library/waste.ts';
import {
  type RuleName,
  type RuleResult,
  type WasteRules,
  checkRules,
  defaultRules,
  parseRules,
  parseThreshold,
  ruleNames,
} from '../../library/waste-rules.ts';
import { SOURCE_ABOUT, addSourceOptions, sizeWriter, type SourceArguments, withImage } from './inspection.ts';
import { oneLine } from '../output/instruction.ts';
import { type ColorChoice, type Palette, colorOption, outputPalette, paint } from '../output/color.ts';
import { Listing, type ListingRow, type RowFormat } from '../output/listing.ts';
import { type Column, formatTable } from '../output/table.ts';
import { wrapLine } from '../output/terminal-lines.ts';
import { UsageError } from '../options/usage-error.ts';

/** Of a wasted path. */
const listing = new Listing([
  { name: 'Count', title: 'COUNT', align: 'right' },
  { name: 'Wasted', title: 'WASTED', align: 'right' },
  { name: 'Layers', title: 'LAYERS' },
  { name: 'HiddenBy', title: 'HIDDEN BY' },
  { name: 'Path', title: 'PATH' },
]);

const help = `
A file is wasted if a higher layer overwrites or deletes it: the image stores it, but does not show it. WASTED is the wasted
bytes that the layer stores, HIDES the bytes below that the layer hides. Hard links count once. efficiency is the part of the
stored bytes that is shown. userWastedPercent is the wasted bytes as a part of the bytes of all layers above the base, at
most 100 %.
dive counts differently: of a path that is in several layers, it counts all copies as wasted, the visible one too; it
ignores opaque directories; and its percentage has no upper limit.
--ci checks dive's rules, which come from options or from .dive-ci, and the exit status is 1 if a rule fails:
  lowestEfficiency          default 0.9       a fraction
  highestWastedBytes        default disabled  a size, such as 20MB
  highestUserWastedPercent  default 0.1       a fraction
With --format, only the wasted paths are listed. ${listing.help}
docs/json.md describes the output of --json.

Examples:
  stratafs waste app.tar
  stratafs waste --ci --lowestEfficiency 0.95 app.tar`;

interface WasteArguments extends SourceArguments, Partial<Record<RuleName, string>> {
  readonly ci?: true;
  readonly ciConfig?: string;
  readonly top: string;
  readonly trunc: boolean;
  readonly format?: string;
  readonly color: ColorChoice;
  readonly bytes?: true;
  readonly json?: true;
}

const DEFAULT_CONFIG = '.dive-ci';
/** Width of a truncated instruction, the same as CREATED BY in `history`. */
const INSTRUCTION_WIDTH = 45;

const percent = (part: number): string => `${(100 * part).toFixed(4)} %`;

function countOf({ top, trunc }: WasteArguments): number {
  if (!trunc) return Infinity;
  if (!/^\d{1,9}$/.test(top)) throw new UsageError(`--top: found '${top}', expected a number`);
  return Number(top);
}

function formatFigures(waste: Waste, args: WasteArguments): string {
  const size = sizeWriter(args.bytes);
  const { efficiency, wastedBytes, totalBytes, userWastedPercent } = waste;
  const shown = args.bytes === true ? `${wastedBytes}` : `${wastedBytes} bytes (${size(wastedBytes)})`;
  return [
    `  efficiency: ${percent(efficiency)}`,
    `  wastedBytes: ${shown} of ${size(totalBytes)}`,
    `  userWastedPercent: ${percent(userWastedPercent)}`,
    '',
  ].join('\n');
}

const layerColumns: readonly Column[] = [
  { title: 'LAYER', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'WASTED', align: 'right' },
  { title: 'HIDES', align: 'right' },
  { title: 'INSTRUCTION' },
];

/** The paths that waste most, up to --top. */
function rowsOf(waste: Waste, args: WasteArguments, palette: Palette): ListingRow[] {
  const size = sizeWriter(args.bytes);
  return waste.paths.slice(0, countOf(args)).map(({ bytes, files, ...path }) => ({
    fields: {
      Count: String(files.length),
      Wasted: size(bytes),
      Layers: files.map(({ layer }) => layer).join(),
      HiddenBy: [...new Set(files.map(({ hiddenBy }) => hiddenBy))].join(),
      Path: showPathName(path),
    },
    cells: {
      Wasted: { text: size(bytes), style: palette.deleted },
      Path: {
        text: showPathName(path),
        style: palette.fileStyle({ name: latin1Of(path.pathBytes), mode: S_IFREG }),
      },
    },
  }));
}

function formatWaste(
  waste: Waste,
  instructions: readonly (string | undefined)[],
  format: RowFormat,
  palette: Palette,
  args: WasteArguments,
): string {
  const rows = rowsOf(waste, args, palette);
  const paths = format.write(rows);
  if (!format.isOwnTable) return paths;
  const size = sizeWriter(args.bytes);
  const width = outputWidth();
  const layers = waste.layers.map(({ number, size: bytes, wasted, hides }) => [
    String(number),
    size(bytes),
    { text: size(wasted), style: wasted > 0 ? palette.deleted : '' },
    size(hides),
    oneLine(instructions[number - 1], args.trunc ? INSTRUCTION_WIDTH : Infinity),
  ]);
  const more = waste.paths.length - rows.length;
  return [
    formatFigures(waste, args),
    formatTable(layerColumns, layers, width),
    ...(rows.length === 0 ? [] : [paths]),
    ...(more > 0 ? [`and ${more} more paths (--no-trunc shows all)\n`] : []),
  ].join('\n');
}

/** Options override the file, which overrides dive's defaults. */
function readRules(args: WasteArguments): { rules: WasteRules; file: string | undefined } {
  const { file, found } = readConfig(args.ciConfig);
  const rules = { ...defaultRules, ...found };
  for (const name of ruleNames) {
    const text = args[name];
    if (text !== undefined) rules[name] = parseThreshold(name, text, '--ci');
  }
  return { rules, file };
}

function readConfig(path: string | undefined): { file: string | undefined; found: Partial<WasteRules> } {
  const file = path ?? DEFAULT_CONFIG;
  try {
    return { file, found: parseRules(readFileSync(file, 'utf8'), file) };
  } catch (error) {
    // ENOENT: the default file is optional.
    if (path === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT')
      return { file: undefined, found: {} };
    throw error;
  }
}

const explanations: Readonly<Record<RuleName, (value: number, threshold: number) => string>> = {
  lowestEfficiency: (value, threshold) =>
    `image efficiency is too low (efficiency=${value} < threshold=${threshold})`,
  highestWastedBytes: (value, threshold) =>
    `too many bytes wasted (wasted-bytes=${value} > threshold=${threshold})`,
  highestUserWastedPercent: (value, threshold) =>
    `too many bytes wasted, relative to the user bytes added (%-user-wasted-bytes=${value} > threshold=${threshold})`,
};

/** Formats results like dive. */
function formatResults(results: readonly RuleResult[], palette: Palette): string {
  const styles = { pass: palette.added, fail: palette.deleted, skip: palette.faint };
  const lines = results.map(({ rule, result, value, threshold }) => {
    const reason =
      threshold === undefined
        ? ': rule disabled'
        : result === 'fail'
          ? `: ${explanations[rule](Number(value.toFixed(4)), threshold)}`
          : '';
    return wrapLine(`  ${result.toUpperCase()}: ${rule}${reason}`, 4).replace(/\w+/, (word) =>
      paint(styles[result], word),
    );
  });
  const count = (wanted: RuleResult['result']): number =>
    results.filter(({ result }) => result === wanted).length;
  const verdict = count('fail') > 0 ? 'FAIL' : 'PASS';
  const counts = `[Total:${results.length}] [Passed:${count('pass')}] [Failed:${count('fail')}] [Warn:0] [Skipped:${count('skip')}]`;
  return ['Results:', ...lines, wrapLine(`Result:${verdict} ${counts}`, 4), ''].join('\n');
}

function describeWaste(
  source: string,
  waste: Waste,
  instructions: readonly (string | undefined)[],
  results: readonly RuleResult[] | undefined,
): object {
  return {
    source,
    ...waste,
    layers: waste.layers.map((layer) => ({ ...layer, instruction: instructions[layer.number - 1] })),
    paths: waste.paths.map(({ bytes, files, ...path }) => ({
      path: showPathName(path),
      bytes,
      files: files.map(({ bytes: each, layer, hiddenBy, cause }) => ({
        bytes: each,
        layer,
        hiddenBy,
        cause,
      })),
    })),
    rules: results,
  };
}

export function wasteCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('waste')
        .description('Find files that an image stores but does not show.')
        .argument('<source>', SOURCE_ABOUT)
        .optionsGroup('Rules:')
        .option('--ci', 'check rules; exit 1 if a rule fails')
        .option('--ci-config <file>', `file with the rules (default: ${DEFAULT_CONFIG}, if it exists)`)
        .option('--lowestEfficiency <ratio>', 'rule: minimum efficiency')
        .option('--highestWastedBytes <size>', 'rule: maximum number of wasted bytes')
        .option('--highestUserWastedPercent <ratio>', 'rule: maximum userWastedPercent')
        .optionsGroup('Output:')
        .option('--top <n>', 'maximum number of paths in the list', '20')
        .option('--no-trunc', 'list all paths, and do not truncate output')
        .option('--format <format>', FORMAT_ABOUT)
        .addOption(colorOption())
        .option('--bytes', BYTES_ABOUT)
        .option('--json', JSON_ABOUT),
      'Other:',
    ).addHelpText('after', help),
    run: (source: string, args: WasteArguments) => {
      const isUnused = [...ruleNames, 'ciConfig' as const].find((name) => args[name] !== undefined);
      if (args.ci !== true && isUnused !== undefined)
        throw new UsageError(`--${isUnused === 'ciConfig' ? 'ci-config' : isUnused}: works only with --ci`);
      const ci = args.ci === true ? readRules(args) : undefined;
      countOf(args);
      const format = listing.parse(args.format);
      const palette = outputPalette(args.color);
      return withImage(source, args, async (image) => {
        const waste = await image.waste();
        const results = ci === undefined ? undefined : checkRules(ci.rules, waste);
        const status = results?.some(({ result }) => result === 'fail') === true ? 1 : 0;
        const instructions = image.layers.map(({ instruction }) => instruction);
        if (args.json === true) {
          return { json: describeWaste(source, waste, instructions, results), status };
        }
        const text = formatWaste(waste, instructions, format, palette, args);
        if (!format.isOwnTable) return { text, status };
        const config = ci?.file === undefined ? '' : `  Using CI config: ${ci.file}\n`;
        const verdict = results === undefined ? '' : `\n${formatResults(results, palette)}`;
        return { text: config + text + verdict, status };
      });
    },
  };
}
