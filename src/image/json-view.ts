// Reads JSON from an image. It is foreign input, so its size and nesting are limited before it is parsed, and every
// field is checked when it is read. A JsonView knows the position of its value, so that a message can name the wrong
// field.
import { showText } from '../vfs/show-text.ts';
import { detectCompression, MAGIC_LENGTH } from '../layer/compression.ts';
import { isTarHeader } from '../tar/header.ts';
import { InputError } from '../vfs/input-error.ts';

/** Bytes. containers/image and the distribution registry have the same limit for a manifest. */
export const JSON_SIZE_LIMIT = 4 << 20;

/** Nested arrays and objects. Real manifests and configs have fewer than 10 levels. */
const JSON_DEPTH_LIMIT = 100;

/** Parses JSON of at most `JSON_DEPTH_LIMIT` levels. Throws InputError for anything else. */
export function parseJson(bytes: Uint8Array, where: string): JsonView {
  if (bytes.length > JSON_SIZE_LIMIT) {
    throw new InputError(
      `${where}: found ${bytes.length} bytes of JSON, expected at most ${JSON_SIZE_LIMIT}`,
    );
  }
  if (isDeeperThan(bytes, JSON_DEPTH_LIMIT)) {
    throw new InputError(`${where}: found JSON nested deeper than ${JSON_DEPTH_LIMIT} levels`);
  }
  try {
    return new JsonView(JSON.parse(new TextDecoder().decode(bytes)), where);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InputError(`${where}: ${describeMalformed(bytes, error)}`, { cause: error });
  }
}

/** Reports the position of the error. The parser's own message describes code, not the file. */
function describeMalformed(bytes: Uint8Array, error: SyntaxError): string {
  if (bytes.length === 0) return 'found an empty file, expected JSON';
  const kind = recogniseData(bytes);
  if (kind !== undefined) return `found ${kind}, expected JSON`;
  const position = /at position (\d+)/.exec(error.message)?.[1];
  if (error.message.includes('end of JSON') || Number(position) >= bytes.length) {
    return 'found JSON that is cut short';
  }
  return `found malformed JSON${position === undefined ? '' : ` at character ${position}`}`;
}

function recogniseData(bytes: Uint8Array): string | undefined {
  try {
    const compression = detectCompression(bytes.subarray(0, MAGIC_LENGTH), '');
    if (compression !== 'none') return `${compression} data`;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return 'compressed data';
  }
  if (isTarHeader(bytes)) return 'a tar';
  return bytes.includes(0) ? 'binary data' : undefined;
}

/** One value of a parsed document. For a missing field the value is undefined. */
export class JsonView {
  readonly value: unknown;
  /** File, member and field, for messages. */
  readonly where: string;

  constructor(value: unknown, where: string) {
    this.value = value;
    this.where = where;
  }

  /** True for a missing field, and for null, which Go writes for an empty slice. */
  get isAbsent(): boolean {
    return this.value === undefined || this.value === null;
  }

  get isArray(): boolean {
    return Array.isArray(this.value);
  }

  get isObject(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  /** A field of an object. Throws InputError if this is not an object. */
  get(key: string): JsonView {
    if (!this.isObject) throw this.unexpected('an object');
    const object = this.value as Record<string, unknown>;
    return new JsonView(
      Object.hasOwn(object, key) ? object[key] : undefined,
      `${this.where}: ${showText(key)}`,
    );
  }

  /** The fields of an object, in order; none if it is absent. */
  fields(): [string, JsonView][] {
    if (this.isAbsent) return [];
    if (!this.isObject) throw this.unexpected('an object');
    return Object.keys(this.value as object).map((key) => [key, this.get(key)]);
  }

  /** The elements of an array; none if it is absent. */
  items(): JsonView[] {
    if (this.isAbsent) return [];
    if (!Array.isArray(this.value)) throw this.unexpected('an array');
    return this.value.map((item, i) => new JsonView(item, `${this.where}[${i}]`));
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.unexpected('a string');
    return this.value;
  }

  /** Undefined if the field is missing, null or empty. */
  optionalString(): string | undefined {
    return this.isAbsent || this.value === '' ? undefined : this.string();
  }

  /** True only for `true`. A missing field is false, as in Go. */
  boolean(): boolean {
    if (!this.isAbsent && typeof this.value !== 'boolean') throw this.unexpected('true or false');
    return this.value === true;
  }

  /** A whole number of 0 or more; undefined if the field is missing. */
  optionalSize(): number | undefined {
    if (this.isAbsent) return undefined;
    if (!Number.isSafeInteger(this.value) || (this.value as number) < 0) {
      throw this.unexpected('a whole number from 0');
    }
    return this.value as number;
  }

  unexpected(expected: string): InputError {
    return new InputError(`${this.where}: found ${describe(this.value)}, expected ${expected}`);
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  const text = showText(JSON.stringify(value));
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function isDeeperThan(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  let isString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (isString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) isString = false;
    } else if (byte === 0x22) isString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}
