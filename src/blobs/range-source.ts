// RangeSource: where the bytes of a blob come from. A registry, usually; src/blobs doesn't know.

export interface RangeSource {
  /**
   * False once it has turned out that a request for a range sends the whole blob: then one request for all that is
   * missing costs least.
   */
  readonly knowsRanges: boolean;
  /**
   * Exactly `length` bytes from `offset`, in order, in pieces of any length. A piece is the receiver's. The source
   * retries what can be retried; an error is final for this request. It stops when `signal` is aborted.
   */
  read(offset: number, length: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** How often another server became the first one that is asked; undefined if there is only one. */
  readonly turn?: number;
  /**
   * The bytes of a request that began in `turn` were wrong: the next ones are taken from another server if there is one. Does
   * nothing if that was done since: requests that run at the same time may all have got wrong bytes from one server.
   */
  distrust?(turn: number): void;
}
