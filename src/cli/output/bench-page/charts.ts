// The charts of a page: medians by number of layers, medians in rows, and the distribution of latencies.
//
// Each contender has its own class (s0, s1, ...) for the colour, and its own shape, because not everybody can distinguish
// the colours.
import type { Measurement } from '../../../bench/bench.ts';
import { showNanoseconds, showPercent } from '../figures.ts';
import { LogScale } from './log-scale.ts';
import { type Markup, element } from './markup.ts';

const width = 400;
const height = 270;
const left = 58;
const right = 12;
const top = 12;
const bottom = 42;
/** The width of a character of the labels, which are 11 px high. */
const LABEL_WIDTH = 7;
const plotRight = width - right;
const plotBottom = height - bottom;

/** The measurements of one contender under one workload. */
export interface Series {
  /** The index in the list of all contenders, which selects the style. */
  readonly look: number;
  readonly contender: string;
  /** Ascending by layers. */
  readonly measurements: readonly Measurement[];
}

const means = ({ runs }: Measurement): number[] => runs.map(({ mean }) => mean);

/** X: layers; Y: the median, with a whisker from the fastest run to the slowest. */
export function layersChart(series: readonly Series[]): Markup {
  const all = series.flatMap(({ measurements }) => measurements);
  const x = new LogScale(
    all.map(({ layers }) => layers),
    left + 10,
    plotRight - 10,
  );
  const y = new LogScale(all.flatMap(means), plotBottom - 6, top + 6);
  const heights = [...new Set(all.map(({ layers }) => layers))].sort((a, b) => a - b);
  return chart(
    'Median time an operation, by the number of layers',
    left,
    timeAxisLeft(y),
    heights.map((layers) => axisText(x.place(layers), plotBottom + 16, 'middle', String(layers))),
    axisText((left + plotRight) / 2, height - 8, 'middle', 'layers'),
    series.map(({ look, contender, measurements }, n) => {
      // Shift the series, so that whiskers don't hide each other.
      const at = ({ layers }: Measurement): number => x.place(layers) + 2 * (n - (series.length - 1) / 2);
      return element(
        'g',
        { class: `s${look}` },
        polyline(measurements.map((each) => [at(each), y.place(each.median)])),
        measurements.map((each) => [
          whisker(at(each), y.place(Math.min(...means(each))), y.place(Math.max(...means(each)))),
          marker(
            look,
            at(each),
            y.place(each.median),
            `${contender}, ${each.layers} layers: ${showNanoseconds(each.median)}`,
          ),
        ]),
      );
    }),
  );
}

/** One row a contender: its runs as ticks, their median as its shape. */
export function mediansChart(series: readonly Series[]): Markup {
  const all = series.flatMap(({ measurements }) => measurements);
  const from = labelledLeft(series.map(({ contender }) => contender));
  const x = new LogScale(all.flatMap(means), from + 10, plotRight - 10);
  const step = (plotBottom - top) / series.length;
  return chart(
    'Median time an operation, and each run',
    from,
    timeAxisBottom(x),
    series.map(({ look, contender, measurements }, row) => {
      const y = top + (row + 0.5) * step;
      return element(
        'g',
        { class: `s${look}` },
        axisText(from - 8, y + 4, 'end', contender),
        measurements.map((each) => [
          means(each).map((mean) => line(x.place(mean), y - 5, x.place(mean), y + 5)),
          marker(look, x.place(each.median), y, `${contender}: ${showNanoseconds(each.median)}`),
        ]),
      );
    }),
  );
}

/** X: latency; Y: the fraction of operations that took no longer. One measurement of each series. */
export function distributionChart(series: readonly Series[]): Markup {
  const curves = series.flatMap(({ look, measurements }) => {
    const last = measurements.at(-1);
    return last === undefined ? [] : [{ look, points: cumulative(last) }];
  });
  const x = new LogScale(
    curves.flatMap(({ points }) => points.map(([latency]) => latency)),
    left + 4,
    plotRight - 4,
  );
  const y = (share: number): number => plotBottom - share * (plotBottom - top);
  return chart(
    'How many operations took no longer',
    left,
    timeAxisBottom(x),
    [0, 0.25, 0.5, 0.75, 1].map((share) => [
      line(left, y(share), plotRight, y(share), 'grid'),
      axisText(left - 6, y(share) + 4, 'end', showPercent(share)),
    ]),
    curves.map(({ look, points }) =>
      element(
        'g',
        { class: `s${look}` },
        polyline(points.map(([latency, share]) => [x.place(latency), y(share)])),
      ),
    ),
  );
}

/** The start of each bucket, and the fraction of calls below it; the last is the maximum latency. */
function cumulative({ latency: { histogram, max } }: Measurement): [number, number][] {
  const total = histogram.reduce((sum, [, count]) => sum + count, 0);
  let passed = 0;
  const points = histogram.map(([from, count]): [number, number] => {
    const point: [number, number] = [Math.max(1, from), passed / total];
    passed += count;
    return point;
  });
  return [...points, [Math.max(1, max), 1]];
}

/** The shape of a series, for legends. */
export function legendKey(look: number): Markup {
  return element(
    'svg',
    { class: `key s${look}`, viewBox: '0 0 24 12', width: 24, height: 12, 'aria-hidden': 'true' },
    line(0, 6, 24, 6),
    marker(look, 12, 6),
  );
}

/** The left edge of the plot, next to names of this length: a character takes at most LABEL_WIDTH. */
function labelledLeft(labels: readonly string[]): number {
  return 12 + LABEL_WIDTH * Math.max(...labels.map(({ length }) => length));
}

/** `from`: the left edge of the plot, right of its labels. */
function chart(title: string, from: number, ...content: Parameters<typeof element>[2][]): Markup {
  return element(
    'figure',
    {},
    element('figcaption', {}, title),
    element(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title },
      line(from, top, from, plotBottom, 'axis'),
      line(from, plotBottom, plotRight, plotBottom, 'axis'),
      content,
    ),
  );
}

function timeAxisLeft(y: LogScale): Markup[][] {
  return y.ticks.map((tick) => [
    line(left, y.place(tick), plotRight, y.place(tick), 'grid'),
    axisText(left - 6, y.place(tick) + 4, 'end', showTick(tick)),
  ]);
}

function timeAxisBottom(x: LogScale): Markup[][] {
  return x.ticks.map((tick) => [
    line(x.place(tick), top, x.place(tick), plotBottom, 'grid'),
    axisText(x.place(tick), plotBottom + 16, 'middle', showTick(tick)),
  ]);
}

/** "10 us": a round value without zeros after the point. */
const showTick = (nanoseconds: number): string => showNanoseconds(nanoseconds).replace(/\.0+ /, ' ');

function axisText(x: number, y: number, anchor: 'start' | 'middle' | 'end', text: string): Markup {
  return element('text', { x, y, 'text-anchor': anchor }, text);
}

function line(x1: number, y1: number, x2: number, y2: number, name?: string): Markup {
  return element('line', { x1, y1, x2, y2, class: name });
}

const whisker = (x: number, low: number, high: number): Markup => line(x, low, x, high, 'whisker');

function polyline(points: readonly (readonly [number, number])[]): Markup {
  return element('polyline', {
    points: points.map(([x, y]) => `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`).join(' '),
  });
}

/** Disc, square, triangle, diamond, then the same again. */
function marker(look: number, x: number, y: number, title?: string): Markup {
  const said = title === undefined ? '' : element('title', {}, title);
  const corners = [
    undefined,
    `M${x - 4} ${y - 4}h8v8h-8z`,
    `M${x} ${y - 5}l5 9h-10z`,
    `M${x} ${y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z`,
  ][look % 4];
  return corners === undefined
    ? element('circle', { cx: x, cy: y, r: 4.5, class: 'marker' }, said)
    : element('path', { d: corners, class: 'marker' }, said);
}
