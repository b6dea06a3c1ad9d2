// Histogram: the latencies of single operations, millions of them in a few kilobytes. A bucket is about 1 % wide, so that
// is how exact its quantiles are; the greatest latency is kept as it was.
import type { Latency } from './result.ts';

/** Buckets in which a latency doubles. */
const FINE = 64;
/** As many of them are one bucket of what is shown. */
const FINE_IN_SHOWN = 8;
/** Latencies reach to 2^OCTAVES ns, 18 minutes; longer ones are in the last bucket. */
const OCTAVES = 40;

export class Histogram {
  readonly #counts = new Float64Array(FINE * OCTAVES);
  #total = 0;
  #max = 0;

  /** Nanoseconds; what took no time that the clock could tell counts as 1. */
  add(latencies: Iterable<number>): void {
    for (const latency of latencies) {
      const bucket = Math.floor(Math.log2(Math.max(1, latency)) * FINE);
      const index = Math.min(bucket, this.#counts.length - 1);
      this.#counts[index] = (this.#counts[index] as number) + 1;
      this.#total++;
      if (latency > this.#max) this.#max = latency;
    }
  }

  /** The latency that the fraction `q` of all do not exceed; NaN of none. */
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

  /** Wider buckets, the empty ones left out. */
  #shown(): [number, number][] {
    const shown: [number, number][] = [];
    for (let from = 0; from < this.#counts.length; from += FINE_IN_SHOWN) {
      const count = this.#counts.subarray(from, from + FINE_IN_SHOWN).reduce((sum, each) => sum + each, 0);
      if (count > 0) shown.push([Math.round(2 ** (from / FINE)), count]);
    }
    return shown;
  }
}
