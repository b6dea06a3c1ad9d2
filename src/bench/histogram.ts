// Histogram: the latencies of single operations, millions of them in a few kilobytes. A bucket is about 1 % wide, which is
// the precision of the quantiles; the maximum is exact.
import type { Latency } from './result.ts';

/** Buckets per doubling of the latency. */
const FINE = 64;
/** Number of fine buckets that make one bucket of the output. */
const FINE_IN_SHOWN = 8;
/** Latencies range up to 2^OCTAVES ns, 18 minutes; longer ones are counted in the last bucket. */
const OCTAVES = 40;

export class Histogram {
  readonly #counts = new Float64Array(FINE * OCTAVES);
  #total = 0;
  #max = 0;

  /** Nanoseconds; a latency below the clock's resolution counts as 1. */
  add(latencies: Iterable<number>): void {
    for (const latency of latencies) {
      const bucket = Math.floor(Math.log2(Math.max(1, latency)) * FINE);
      const index = Math.min(bucket, this.#counts.length - 1);
      this.#counts[index] = (this.#counts[index] as number) + 1;
      this.#total++;
      if (latency > this.#max) this.#max = latency;
    }
  }

  /** The latency that the fraction `q` of all operations do not exceed; NaN if there are none. */
  quantile(q: number): number {
    if (this.#total === 0) return NaN;
    const wanted = Math.max(1, Math.ceil(q * this.#total));
    let passed = 0;
    const bucket = this.#counts.findIndex((count) => (passed += count) >= wanted);
    return Math.min(this.#max, 2 ** ((bucket + 0.5) / FINE));
  }

  summary(): Latency {
    return {
      p50: this.quantile(0.5),
      p95: this.quantile(0.95),
      p99: this.quantile(0.99),
      max: this.#max,
      histogram: this.#shown(),
    };
  }

  /** Wider buckets, without empty ones. */
  #shown(): [number, number][] {
    const shown: [number, number][] = [];
    for (let from = 0; from < this.#counts.length; from += FINE_IN_SHOWN) {
      const count = this.#counts.subarray(from, from + FINE_IN_SHOWN).reduce((sum, each) => sum + each, 0);
      if (count > 0) shown.push([Math.round(2 ** (from / FINE)), count]);
    }
    return shown;
  }
}
