// RangeSources: the sources of one blob that several users know. Each user adds its own, and removes it when it leaves.
//
// One is asked at a time. If it fails, the next one goes on at the byte where it broke, and is asked first from then on. So
// a user who has the blob from a second registry goes on when the first one ends.
import { EIO, ErrnoError } from '../vfs/errno.ts';
import type { RangeSource } from './range-source.ts';

export class RangeSources implements RangeSource {
  /** The one that is asked first comes first. */
  readonly #sources: RangeSource[] = [];
  #turn = 0;

  /** Returns what removes it again. A request that runs meanwhile goes on. */
  add(source: RangeSource): () => void {
    this.#sources.push(source);
    return () => {
      const place = this.#sources.indexOf(source);
      if (place >= 0) this.#sources.splice(place, 1);
    };
  }

  get knowsRanges(): boolean {
    return this.#sources[0]?.knowsRanges ?? true;
  }

  get turn(): number {
    return this.#turn;
  }

  distrust(turn: number): void {
    const [first] = this.#sources;
    if (turn !== this.#turn || first === undefined) return;
    first.distrust?.(first.turn ?? 0);
    this.#putLast(first);
  }

  async *read(offset: number, length: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const end = offset + length;
    let position = offset;
    let failure: unknown = new ErrnoError(EIO, 'read', 'a blob without a source');
    for (const source of [...this.#sources]) {
      try {
        for await (const piece of source.read(position, end - position, signal)) {
          position += piece.length;
          yield piece;
        }
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        failure = error;
        this.#putLast(source);
      }
    }
    throw failure;
  }

  #putLast(source: RangeSource): void {
    if (this.#sources[0] !== source) return; // another request found out before, or its user has left
    this.#sources.push(...this.#sources.splice(0, 1));
    this.#turn++;
  }
}
