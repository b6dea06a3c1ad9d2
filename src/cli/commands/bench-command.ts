// stratafs bench: compares stratafs with other ways to mount an image.
import { PLATFORM_ABOUT } from './option-texts.ts';
import type { CliCommand, CommandResult } from '../command-result.ts';
import { tmpdir } from 'node:os';
import { Command, Option } from 'commander';
import {
  type BenchOptions,
  type BenchResult,
  type Cold,
  type Workload,
  bench,
  compareResults,
  contenders,
  readResult,
  workloads,
} from '../../bench/bench.ts';
import { formatBenchPage } from '../output/bench-page/page.ts';
import { plotBenchResult } from '../output/bench-plot.ts';
import { BenchProgress } from '../output/bench-progress.ts';
import { formatSummary } from '../output/bench-summary.ts';
import { describeRun, formatBenchResult, formatChanges } from '../output/bench-table.ts';
import { packageFile } from '../../sys/package-file.ts';
import { Interrupt } from '../interrupt.ts';
import { TerminalReport } from '../output/report.ts';
import { isOutputTerminal, outputWidth } from '../output/terminal.ts';
import { OutputFile } from '../output/output-file.ts';
import { RepeatSignalNotice } from '../repeat-signal-notice.ts';
import { parseNumbers, parseWhole, pickByName } from '../options/name-list.ts';
import { UsageError } from '../options/usage-error.ts';
import { readVersion } from '../version.ts';

const pad = Math.max(...[...contenders, ...workloads].map(({ name }) => name.length)) + 2;
const listed = (entries: readonly { name: string; summary: string }[]): string =>
  entries.map(({ name, summary }) => `  ${name.padEnd(pad)}${summary}`).join('\n');

const help = `
Each contender shows the same image in its own way. A program times the same system calls on each of them. The contenders
run in random order, round by round. Cold runs use a fresh mount with dropped kernel caches, which affects the whole
machine and needs root. Without <source>, synthetic images with the same files in more and more layers are used. A run
removes everything it creates, also if it is interrupted.

Contenders (a contender that cannot run here is reported, with the reason):
${listed(contenders)}

Workloads (a name without its last part, such as "stat", selects all variants; "all" selects all workloads):
${listed(workloads)}

Examples:
  stratafs bench
  stratafs bench --workloads stat,find --runs 20 app.tar
  stratafs bench --layers 1,127 --workloads miss
  stratafs bench --contenders stratafs,overlayfs
  stratafs bench --json new.json --html new.html
  stratafs bench --compare old.json --threshold 1.05`;

interface BenchArguments {
  readonly contenders?: string;
  readonly workloads?: string;
  readonly baseline?: string;
  readonly runs: string;
  readonly threads: string;
  readonly operations: string;
  readonly cold: Cold;
  readonly layers?: string;
  readonly files?: string;
  readonly depth?: string;
  readonly fanout?: string;
  readonly seed: string;
  readonly platform?: string;
  readonly scratch?: string;
  readonly json?: string;
  readonly html?: string;
  readonly compare?: string;
  readonly threshold?: string;
}

/** The name that selects every workload. */
const ALL = 'all';

/** Options that are only valid for synthetic stacks. */
const shapeNames = ['layers', 'files', 'depth', 'fanout'] as const;

type Understood = Omit<BenchOptions, 'signal' | 'onPhase' | 'onNotice'>;

function understand(source: string | undefined, args: BenchArguments): Understood {
  const seed = parseWhole('--seed', args.seed, 0, 2 ** 32 - 1);
  const chosen = chooseWorkloads(args.workloads);
  return {
    source: understandSource(
      source,
      args,
      seed,
      chosen.some((workload) => workload.needsLargeFile === true),
    ),
    contenders:
      args.contenders === undefined
        ? contenders
        : pickByName(
            '--contenders',
            args.contenders,
            (name) => contenders.filter((each) => each.name === name),
            contenders.map(({ name }) => name),
          ),
    workloads: chosen,
    threads: parseNumbers('--threads', args.threads, 1, 8),
    runs: parseWhole('--runs', args.runs, 1, 1000),
    operations: parseWhole('--operations', args.operations, 1, 10_000_000),
    cold: args.cold,
    seed,
    baseline: args.baseline,
    version: readVersion(),
    scratch: args.scratch ?? tmpdir(),
    stratafs: [process.execPath, packageFile('dist/cli/main.cjs')],
  };
}

function understandSource(
  source: string | undefined,
  args: BenchArguments,
  seed: number,
  hasLargeFile: boolean,
): BenchOptions['source'] {
  if (source !== undefined) {
    const shaped = shapeNames.find((name) => args[name] !== undefined);
    if (shaped !== undefined) throw new UsageError(`--${shaped}: works only without SOURCE`);
    return { kind: 'image', source, platform: args.platform };
  }
  if (args.platform !== undefined) throw new UsageError('--platform: works only with SOURCE');
  return {
    kind: 'synthetic',
    layers: parseNumbers('--layers', args.layers ?? '1,2,8,32,127', 1, 127),
    shape: {
      files: parseWhole('--files', args.files ?? '5000', 1, 1_000_000),
      depth: parseWhole('--depth', args.depth ?? '2', 0, 8),
      fanout: parseWhole('--fanout', args.fanout ?? '8', 1, 100),
      seed,
      hasLargeFile,
    },
  };
}

function chooseWorkloads(list: string | undefined): readonly Workload[] {
  const groups = new Set(workloads.map(({ group }) => group));
  return pickByName(
    '--workloads',
    list ?? 'stat,lookup,miss,readdir,find,open',
    (name) => workloads.filter((each) => name === ALL || each.name === name || each.group === name),
    [...new Set([ALL, ...groups, ...workloads.map(({ name }) => name)])],
  );
}

async function runBench(source: string | undefined, args: BenchArguments): Promise<CommandResult> {
  const understood = understand(source, args);
  const threshold = parseThreshold(args);
  // An unreadable file fails now, not after the run.
  const before = args.compare === undefined ? undefined : await readResult(args.compare);
  const result = await measureInto(understood, args);
  const width = outputWidth();
  const plots = isOutputTerminal() ? [plotBenchResult(result, width ?? 80)] : [];
  const summary = formatSummary(result);
  let status = 0;
  const parts = [
    ...(summary === '' ? [] : [summary]),
    formatBenchResult(result, width),
    ...plots,
    describeRun(result),
  ];
  if (before !== undefined && args.compare !== undefined) {
    const changes = compareResults(before, result, threshold, args.compare);
    parts.push(formatChanges(changes, result, threshold, width));
    if (changes.some(({ verdict }) => verdict === 'slower')) status = 1;
  }
  return { text: parts.join('\n'), status };
}

/** Creates the output files before the run, so that a wrong path fails now: a run may take an hour. */
async function measureInto(understood: Understood, { json, html }: BenchArguments): Promise<BenchResult> {
  const outputs: (readonly [file: OutputFile, format: (result: BenchResult) => string])[] = [];
  try {
    if (json !== undefined) {
      const format = (result: BenchResult): string => `${JSON.stringify(result, undefined, 2)}\n`;
      outputs.push([await OutputFile.create(json), format]);
    }
    if (html !== undefined) outputs.push([await OutputFile.create(html), formatBenchPage]);
    const result = await measure(understood);
    for (const [file, format] of outputs) await file.write(Buffer.from(format(result)));
    for (const [file] of outputs) await file.keep();
    return result;
  } catch (error) {
    for (const [file] of outputs) await file.discard();
    throw error;
  }
}

async function measure(understood: Understood): Promise<BenchResult> {
  const report = new TerminalReport();
  const notice = new RepeatSignalNotice(report);
  const interrupt = new Interrupt();
  const progress = new BenchProgress();
  interrupt.signal.addEventListener('abort', () => {
    progress.clear();
    notice.begin();
  });
  try {
    return await bench({
      ...understood,
      signal: interrupt.signal,
      onPhase: (what, done, total) => progress.show(what, done, total),
      onNotice: (text) => {
        progress.clear();
        report.notice(text);
      },
    });
  } finally {
    progress.clear();
    interrupt.stop();
    notice.end();
  }
}

function parseThreshold({ compare, threshold: text }: BenchArguments): number {
  if (compare === undefined && text !== undefined)
    throw new UsageError('--threshold: works only with --compare');
  const threshold = text ?? '1.1';
  const factor = /^\d+(\.\d+)?$/.test(threshold) ? Number(threshold) : NaN;
  if (factor >= 1) return factor;
  throw new UsageError(`--threshold: found '${threshold}', expected a factor of 1 or more`);
}

export function benchCommand(): CliCommand {
  return {
    syntax: new Command('bench')
      .description('Measure stratafs against other ways to mount the same layers.')
      .argument('[source]', 'image as for "stratafs mount"')
      .optionsGroup('Comparison:')
      .option('--contenders <list>', 'contenders to compare (default: all that can run here)')
      .option('--workloads <list>', 'workloads to measure (default: stat, lookup, miss, readdir, find, open)')
      .option(
        '--baseline <contender>',
        'contender that ratios are relative to (default: overlayfs, or the first)',
      )
      .optionsGroup('Measurement:')
      .option('--runs <n>', 'number of rounds', '10')
      .option('--threads <list>', 'numbers of threads that make the calls, 1 to 8', '1')
      .option('--operations <n>', 'maximum number of calls in a run', '5000')
      .addOption(
        new Option('--cold <what>', 'what a cold run must read: all from disk, or only dentries and inodes')
          .choices(['disk', 'memory'])
          .default('disk'),
      )
      .optionsGroup('Synthetic images:')
      .option('--layers <list>', 'numbers of layers (default: 1,2,8,32,127)')
      .option('--files <n>', 'number of files (default: 5000)')
      .option('--depth <n>', 'depth of nested directories (default: 2)')
      .option('--fanout <n>', 'directories in each directory (default: 8)')
      .option('--seed <n>', 'random seed; determines images, paths and order', '1')
      .optionsGroup('Output:')
      .option('--json <file>', 'write the result with all runs as JSON')
      .option('--html <file>', 'write a self-contained page with plots')
      .option('--compare <file>', 'compare with an earlier --json file; exit 1 if a ratio got worse')
      .option('--threshold <factor>', 'minimum change of a ratio that counts (default: 1.1)')
      .optionsGroup('Other:')
      .option('--platform <os/arch>', PLATFORM_ABOUT)
      .option('--scratch <dir>', 'directory for scratch files (default: $TMPDIR or /tmp)')
      .addHelpText('after', help),
    run: runBench,
  };
}
