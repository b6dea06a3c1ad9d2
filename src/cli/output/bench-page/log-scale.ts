// A logarithmic scale: converts values to pixels, and chooses round values for its ticks.

export class LogScale {
  readonly #least: number;
  readonly #most: number;
  readonly #from: number;
  readonly #to: number;

  /** `values` are above 0, and are mapped between pixels `from` and `to` (which may be less than `from`). */
  constructor(values: readonly number[], from: number, to: number) {
    this.#least = Math.min(...values);
    this.#most = Math.max(...values);
    this.#from = from;
    this.#to = to;
  }

  place(value: number): number {
    if (this.#most === this.#least) return (this.#from + this.#to) / 2;
    const part = Math.log(value / this.#least) / Math.log(this.#most / this.#least);
    return this.#from + part * (this.#to - this.#from);
  }

  /** Powers of ten, and also their doubles and halves if there are few. */
  get ticks(): number[] {
    const tens = this.#marks([1]);
    return tens.length >= 4 ? tens : this.#marks([1, 2, 5]);
  }

  #marks(steps: readonly number[]): number[] {
    const marks: number[] = [];
    for (let power = Math.floor(Math.log10(this.#least)); 10 ** power <= this.#most; power++) {
      marks.push(...steps.map((step) => step * 10 ** power));
    }
    return marks.filter((mark) => mark >= this.#least && mark <= this.#most);
  }
}
