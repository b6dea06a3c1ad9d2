// Samples, interleaved, and the rows that come of them.
//
// A ratio is taken within a round, where both sides met the same weather, and the median of the rounds' ratios counts.

/** One thing measured: a name, and what takes one sample, in the unit of its row. */
export interface Contender {
  readonly name: string;
  readonly sample: () => Promise<number>;
}

export type Samples = ReadonlyMap<string, readonly number[]>;

/** `rounds` rounds of one sample of each contender, in the order given and, every other round, the reverse. */
export async function interleave(rounds: number, contenders: readonly Contender[]): Promise<Samples> {
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, sample } of round % 2 === 0 ? contenders : contenders.toReversed()) {
      samples.get(name)?.push(await sample());
    }
  }
  return samples;
}

export interface Row {
  /** Its name on the command line (run.ts). */
  readonly measurement: string;
  readonly what: string;
  readonly unit: 's' | 'MB' | 'B/entry';
  readonly ours: readonly number[];
  /** Whose figures `theirs` are; without, the row is a figure against a constant or alone. */
  readonly rival?: string;
  readonly theirs?: readonly number[];
  readonly bound?: Bound;
}

/** What a bar asks: of the ratio, or of two medians. */
export type Bound =
  | { readonly kind: 'ratio'; readonly most: number }
  | { readonly kind: 'value'; readonly most: number }
  | {
      readonly kind: 'both';
      readonly text: string;
      readonly holds: (ours: number, theirs: number) => boolean;
    };

export const ratioAtMost = (most: number): Bound => ({ kind: 'ratio', most });
export const valueAtMost = (most: number): Bound => ({ kind: 'value', most });

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** One ratio a round, ours by theirs. */
export function ratiosOf({ ours, theirs }: Row): number[] {
  return theirs === undefined ? [] : ours.map((value, round) => value / (theirs[round] ?? NaN));
}

/** Undefined where the row is beside a bar only. */
export function isMet(row: Row): boolean | undefined {
  switch (row.bound?.kind) {
    case undefined:
      return undefined;
    case 'ratio':
      return median(ratiosOf(row)) <= row.bound.most;
    case 'value':
      return median(row.ours) <= row.bound.most;
    case 'both':
      return row.bound.holds(median(row.ours), median(row.theirs ?? []));
  }
}

/** What all rows of one measurement have in common. */
export type RowHead = Pick<Row, 'measurement' | 'what' | 'unit'>;

/** A row for each of `rivals`, a contender's name with the bar that ours is held to beside it, if any. */
export function rowsOf(
  samples: Samples,
  head: RowHead,
  ours: string,
  rivals: Readonly<Record<string, Bound | undefined>>,
): Row[] {
  return Object.entries(rivals).map(([rival, bound]) => ({
    ...head,
    ours: samples.get(ours) ?? [],
    rival,
    theirs: samples.get(rival) ?? [],
    ...(bound === undefined ? {} : { bound }),
  }));
}
