// The names of a directory as listNames (upper-calls.ts) packs them.

export interface ListedName {
  /** DT_*; 0 if the file system does not say. */
  readonly type: number;
  /** A view of the packed list. */
  readonly name: Buffer;
}

/** The names of a packed list, in its order. */
export function* unpackNames(packed: Buffer): Generator<ListedName, void> {
  for (let at = 0; at < packed.length;) {
    const end = at + 2 + (packed[at + 1] as number);
    yield { type: packed[at] as number, name: packed.subarray(at + 2, end) };
    at = end;
  }
}
