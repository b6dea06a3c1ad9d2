// The summary on top of the page: how many times faster the subject is than each other contender, by workload.
import { type BenchResult, type WorkloadSummary, summariseResult } from '../../../bench/bench.ts';
import { describeRatio } from '../figures.ts';
import { type Markup, element } from './markup.ts';

type Other = WorkloadSummary['others'][number];

/** A row for each workload, a column for each contender; nothing for a single contender. */
export function summaryTable(result: BenchResult): Markup[] {
  const rows = summariseResult(result);
  const [first] = rows;
  if (first === undefined) return [];
  const names = result.contenders
    .map(({ name }) => name)
    .filter((name) => rows.some(({ others }) => others.some(({ contender }) => contender === name)));
  const where = result.stacks.length > 1 ? `, at ${first.layers} layers` : '';
  const head = element(
    'tr',
    {},
    element('th', {}, 'workload'),
    names.map((name) => element('th', {}, name)),
  );
  return [
    element('h2', { id: 'summary' }, `How ${first.subject} compares${where}`),
    element(
      'p',
      {},
      `How many times faster or slower ${first.subject} is than the other contenders, with the 95 % interval.`,
    ),
    element(
      'table',
      { class: 'stacked summary' },
      element('thead', {}, head),
      element(
        'tbody',
        {},
        rows.map((row) => summaryRow(row, names)),
      ),
    ),
  ];
}

function summaryRow({ workload, threads, others }: WorkloadSummary, names: readonly string[]): Markup {
  const title = threads === 1 ? workload : `${workload}, ${threads} threads`;
  const cells = names.map((name) => {
    const other = others.find(({ contender }) => contender === name);
    return other === undefined ? element('td', { class: 'none' }) : comparison(other);
  });
  return element('tr', {}, element('th', {}, title), cells);
}

/** "1.31x faster", and the interval and any doubt below it. */
function comparison({ contender, ratio }: Other): Markup {
  const { factor, direction } = describeRatio(ratio);
  const [times = '', interval = ''] = factor.split(' ');
  const isSure = ratio.verdict === 'lower' || ratio.verdict === 'higher';
  const doubt = ratio.verdict === 'same' ? ', no difference' : ', too few runs';
  return element(
    'td',
    { class: isSure ? direction : undefined, 'data-label': contender },
    element('b', {}, `${times}x ${direction}`),
    element('small', {}, ` ${interval.slice(1, -1)}${isSure ? '' : doubt}`),
  );
}
