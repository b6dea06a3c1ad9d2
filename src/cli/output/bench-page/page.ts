// A bench run as one self-contained HTML page: no script, font or network access, which its content policy forbids.
import { createHash } from 'node:crypto';
import { type BenchResult, type Measurement, workloads } from '../../../bench/bench.ts';
import { showByteSize } from '../byte-size.ts';
import { showNanoseconds, showPercent, showRatio } from '../figures.ts';
import { type Series, distributionChart, layersChart, legendKey, mediansChart } from './charts.ts';
import { type Content, type Markup, element } from './markup.ts';
import { LOOKS, style } from './style.ts';
import { summaryTable } from './summary-table.ts';

/** The section of one workload and one number of threads. */
interface Section {
  readonly id: string;
  readonly title: string;
  readonly workload: string;
  readonly measurements: readonly Measurement[];
}

export function formatBenchPage(result: BenchResult): string {
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'`;
  const sections = sectionsOf(result);
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<title>stratafs bench</title>',
    `<style>${style}</style>`,
  ];
  const body = element(
    'body',
    {},
    element('h1', {}, 'stratafs bench'),
    summaryTable(result),
    remarks(result.notices),
    mainPicture(sections, result),
    element('h2', {}, 'Details'),
    sections.map((section) => describeSection(section, result)),
    folded('Machine, settings and contenders', facts(result), remarks(absences(result))),
  );
  return `<!doctype html>\n<html lang="en">\n<head>\n${head.join('\n')}\n</head>\n${body.text}\n</html>\n`;
}

/** One picture of latency against layers, of the workload that layers slow down most; with one stack, of the first. */
function mainPicture(sections: readonly Section[], result: BenchResult): Markup[] {
  const growth = ({ measurements }: Section): number =>
    Math.max(...measurements.map((each) => each.growth?.median ?? 0));
  const chosen = sections.reduce<Section | undefined>(
    (best, each) => (best === undefined || growth(each) > growth(best) ? each : best),
    undefined,
  );
  if (chosen === undefined) return [];
  const series = seriesOf(chosen.measurements, result);
  const hasLayers = result.stacks.length > 1;
  const title = hasLayers ? `${chosen.title}, by the number of layers` : chosen.title;
  const reason = hasLayers
    ? 'Of all workloads, this one grows most with the number of layers, under some contender.'
    : 'The first workload.';
  return [
    element('h2', {}, title),
    element('p', {}, `${descriptionOf(chosen.workload)}. ${reason}`),
    element(
      'div',
      { class: 'picture' },
      hasLayers ? layersChart(series) : mediansChart(series),
      legend(series),
    ),
  ];
}

const descriptionOf = (workload: string): string =>
  workloads.find(({ name }) => name === workload)?.summary ?? '';

function sectionsOf({ measurements }: BenchResult): Section[] {
  const sections = new Map<string, Measurement[]>();
  for (const each of measurements) {
    const id = `${each.workload}-${each.threads}`;
    sections.set(id, [...(sections.get(id) ?? []), each]);
  }
  return [...sections].map(([id, found]) => {
    const { workload, threads } = found[0] as Measurement;
    const title = threads === 1 ? workload : `${workload}, ${threads} threads`;
    return { id, title, workload, measurements: found };
  });
}

function describeSection({ id, title, workload, measurements }: Section, result: BenchResult): Markup {
  const series = seriesOf(measurements, result);
  const heights = new Set(measurements.map(({ layers }) => layers));
  const tallest = Math.max(...heights);
  const where = heights.size > 1 ? ` The distribution is that of ${tallest} layers.` : '';
  return folded(
    title,
    element('p', { id }, `${descriptionOf(workload)}.${where}`),
    legend(series),
    element(
      'div',
      { class: 'charts' },
      heights.size > 1 ? layersChart(series) : mediansChart(series),
      distributionChart(series.filter(({ measurements: own }) => own.at(-1)?.layers === tallest)),
    ),
    figures(measurements, result),
  );
}

const lookOf = (result: BenchResult, contender: string): number =>
  result.contenders.findIndex(({ name }) => name === contender) % LOOKS;

function seriesOf(measurements: readonly Measurement[], result: BenchResult): Series[] {
  return result.contenders
    .map(({ name }) => ({
      look: lookOf(result, name),
      contender: name,
      measurements: measurements
        .filter(({ contender }) => contender === name)
        .toSorted((a, b) => a.layers - b.layers),
    }))
    .filter((each) => each.measurements.length > 0);
}

function figures(measurements: readonly Measurement[], { settings, stacks }: BenchResult): Markup {
  const hasLayers = stacks.length > 1;
  const titles = [
    'contender',
    ...(hasLayers ? ['layers'] : []),
    ...['median', `than ${settings.baseline}`],
    ...(hasLayers ? ['than fewest layers'] : []),
    ...['p50', 'p95', 'p99', 'spread', 'operations'],
  ];
  const cells = (each: Measurement): string[] => [
    each.contender,
    ...(hasLayers ? [String(each.layers)] : []),
    ...[showNanoseconds(each.median), showRatio(each.ratio)],
    ...(hasLayers ? [showRatio(each.growth)] : []),
    ...[each.latency.p50, each.latency.p95, each.latency.p99].map(showNanoseconds),
    ...[showPercent(each.spread), String(each.runs.reduce((sum, { operations }) => sum + operations, 0))],
  ];
  const isText = (title = ''): boolean => /^(contender|than .*)$/.test(title);
  const row = (name: 'th' | 'td', texts: readonly string[]): Markup =>
    element(
      'tr',
      {},
      texts.map((text, column) =>
        element(
          name,
          {
            class: isText(titles[column]) ? 'name' : undefined,
            'data-label': name === 'td' ? titles[column] : undefined,
          },
          text,
        ),
      ),
    );
  return element(
    'table',
    { class: 'stacked figures' },
    element('thead', {}, row('th', titles)),
    element(
      'tbody',
      {},
      measurements.map((each) => row('td', cells(each))),
    ),
  );
}

function facts({ started, seconds, environment, settings, stacks, contenders }: BenchResult): Markup {
  const { kernel, cpu, cpus, memory, node, stratafs, scratch, load, governor, clockSource, haltPoll } =
    environment;
  const cold = settings.dropsCaches
    ? { disk: 'fresh mounts, all caches dropped', memory: 'fresh mounts, dentries and inodes dropped' }[
        settings.cold
      ]
    : 'fresh mounts, without dropping caches';
  const entries: [string, string][] = [
    ['when', `${started}, ${seconds.toFixed(0)} s`],
    ['machine', `${cpus} x ${cpu}, ${showByteSize(memory)}, Linux ${kernel}; load ${load.toFixed(2)} before`],
    ['clock, governor', `${clockSource ?? 'unknown'}, ${governor ?? 'none'}`],
    ...(haltPoll === undefined ? [] : [['halt polling', `${haltPoll} ns`] satisfies [string, string]]),
    ['scratch', `${scratch.type} on ${scratch.source}`],
    ['versions', `stratafs ${stratafs}, Node ${node}`],
    ['runs', `${settings.runs}, of ${settings.operations} operations at most; seed ${settings.seed}`],
    ['cold', cold],
    [
      'ratios',
      `to ${settings.baseline}; intervals of ${showPercent(settings.confidence)}, by bootstrap over the runs`,
    ],
    ...stacks.map(({ source, layers, files, directories, others, bytes }): [string, string] => [
      layers === 1 ? '1 layer' : `${layers} layers`,
      `${files} files, ${directories} directories, ${others} others, ${showByteSize(bytes)}: ${source}`,
    ]),
    ...contenders.map(({ name, summary, version, mountOptions }): [string, string] => [
      name,
      [summary, version, mountOptions].filter((text) => text !== undefined).join('; '),
    ]),
  ];
  return element(
    'dl',
    {},
    entries.map(([name, text]) => [element('dt', {}, name), element('dd', {}, text)]),
  );
}

/** Why contenders do not take part. */
const absences = ({ missing }: BenchResult): string[] =>
  missing.map(
    ({ name, reason, remedy }) =>
      `${name} does not take part: ${reason}${remedy === undefined ? '' : ` (${remedy})`}`,
  );

function remarks(lines: readonly string[]): Markup[] {
  if (lines.length === 0) return [];
  return [
    element(
      'ul',
      { class: 'remarks' },
      lines.map((text) => element('li', {}, text)),
    ),
  ];
}

function legend(series: readonly Series[]): Markup {
  return element(
    'ul',
    { class: 'legend' },
    series.map(({ look, contender }) => element('li', {}, legendKey(look), contender)),
  );
}

/** Content that is shown on request, and always on paper. */
function folded(title: string, ...content: readonly Content[]): Markup {
  return element('details', {}, element('summary', {}, title), content);
}
