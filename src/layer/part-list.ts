// PartList: which bytes of layers a run of an image read, so that the next run can fetch them first.
//
// It is saved as JSON, and is foreign input: it may come from another machine, with the image that it was recorded of.
import { InputError } from '../vfs/input-error.ts';
import { isDigest } from '../vfs/image-names.ts';
import { isObject, parseObject } from '../vfs/json-object.ts';

/** A range of bytes of a blob. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

const SCHEMA = 1;
/** Ranges of a list. An extended attribute, which a mount gives its list in, has room for them (64 KiB). */
const MAX_RANGES = 2000;
const FIRST_GAP = 64 << 10;

/** The ranges by the digest of their layer, each in ascending order, apart from each other. */
export type PartList = ReadonlyMap<string, readonly ByteRange[]>;

/** The text of a list. Ranges that lie close together are joined until there are few enough. */
export function writePartList(parts: PartList): string {
  let joined = parts;
  for (let gap = FIRST_GAP; countOf(joined) > MAX_RANGES; gap *= 2) {
    joined = new Map([...joined].map(([digest, ranges]) => [digest, joinRanges(ranges, gap)]));
  }
  const layers = [...joined].map(([digest, ranges]) => [
    digest,
    ranges.map(({ offset, length }) => [offset, length]),
  ]);
  return JSON.stringify({ schema: SCHEMA, layers: Object.fromEntries(layers) as unknown });
}

/** What `writePartList` wrote. Throws InputError for anything else; `shown` names it. */
export function readPartList(text: string, shown: string): PartList {
  const { schema, layers } = parseObject(text) ?? {};
  if (schema !== SCHEMA || !isObject(layers)) {
    throw new InputError(`${shown}: is not a list that "stratafs stats --record" wrote`);
  }
  const parts = new Map<string, ByteRange[]>();
  for (const [digest, ranges] of Object.entries(layers)) {
    if (!isDigest(digest) || !Array.isArray(ranges)) throw malformed(shown, digest);
    const read = (ranges as unknown[]).map((range) => readRange(range) ?? fail(shown, digest));
    parts.set(
      digest,
      read.sort((a, b) => a.offset - b.offset),
    );
  }
  if (countOf(parts) > MAX_RANGES) {
    throw new InputError(`${shown}: found ${countOf(parts)} ranges, expected at most ${MAX_RANGES}`);
  }
  return parts;
}

/** `ranges` in ascending order, joined with the gaps of at most `gap` bytes between them. */
export function joinRanges(ranges: readonly ByteRange[], gap: number): ByteRange[] {
  const joined: { offset: number; length: number }[] = [];
  for (const { offset, length } of ranges) {
    const last = joined.at(-1);
    if (last === undefined || offset > last.offset + last.length + gap) joined.push({ offset, length });
    else last.length = Math.max(last.length, offset + length - last.offset);
  }
  return joined;
}

const countOf = (parts: PartList): number => [...parts.values()].reduce((sum, { length }) => sum + length, 0);

function readRange(range: unknown): ByteRange | undefined {
  if (!Array.isArray(range) || range.length !== 2) return undefined;
  const [offset, length] = range as unknown[];
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  return isCount(offset) && isCount(length) && isCount(offset + length) ? { offset, length } : undefined;
}

const malformed = (shown: string, digest: string): InputError =>
  new InputError(`${shown}: layer ${digest}: expected ranges of bytes as [offset, length]`);

function fail(shown: string, digest: string): never {
  throw malformed(shown, digest);
}
