// containerd's filters of List, as its package `filters` documents them: conditions joined by commas must all hold; of several
// filters one is enough. A condition is a field (which must be there), or FIELD==VALUE, FIELD!=VALUE, FIELD~=REGEX. A field is
// name, parent, kind or labels.NAME; NAME and values may be in double quotes, and a regular expression in / or | too.
import { SnapshotError, type Snapshot } from './snapshot.ts';

type Matches = (snapshot: Snapshot) => boolean;

const MAX_LENGTH = 64 * 1024;
const QUOTED = /"(?:[^"\\]|\\.)*"/y;
const BARE = /[\w./:@+*^$\-()[\]{}?|\\]+/y;
const FIELD = /[A-Za-z]\w*/y;
const OPERATOR = /==|!=|~=/y;
const SLASHED = /([/|])((?:(?!\1)[^\\]|\\.)*)\1/y;

/** True for a snapshot that one of `filters` takes; without any, for all. SnapshotError for a malformed one. */
export function parseFilters(filters: readonly string[]): Matches {
  const parsed = filters.map((each) => new Parser(each).parse());
  return parsed.length === 0 ? () => true : (snapshot) => parsed.some((matches) => matches(snapshot));
}

class Parser {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.length > MAX_LENGTH) this.#fail(`at most ${MAX_LENGTH} characters`);
  }

  parse(): Matches {
    const conditions: Matches[] = [];
    while (this.#position < this.#text.length) {
      conditions.push(this.#condition());
      if (this.#position < this.#text.length && !this.#skip(',')) this.#fail('a comma');
    }
    return (snapshot) => conditions.every((matches) => matches(snapshot));
  }

  #condition(): Matches {
    const path = [this.#take(FIELD) ?? this.#fail('a field')];
    while (this.#skip('.')) path.push(this.#quoted() ?? this.#take(/[\w/-]+/y) ?? this.#fail('a name'));
    const read = (snapshot: Snapshot): string | undefined => fieldOf(snapshot, path);
    const operator = this.#take(OPERATOR);
    if (operator === undefined) return (snapshot) => read(snapshot) !== undefined;
    if (operator === '~=') {
      const pattern = this.#regex();
      return (snapshot) => pattern.test(read(snapshot) ?? '');
    }
    const value = this.#quoted() ?? this.#take(BARE) ?? '';
    if (operator === '==') return (snapshot) => read(snapshot) === value;
    return (snapshot) => read(snapshot) !== value;
  }

  #regex(): RegExp {
    SLASHED.lastIndex = this.#position;
    const slashed = SLASHED.exec(this.#text);
    if (slashed !== null) this.#position = SLASHED.lastIndex;
    const source = slashed?.[2] ?? this.#quoted() ?? this.#take(BARE) ?? '';
    try {
      return new RegExp(source, 'u');
    } catch {
      return this.#fail('a regular expression'); // SyntaxError
    }
  }

  #quoted(): string | undefined {
    const text = this.#take(QUOTED);
    if (text === undefined) return undefined;
    return text.slice(1, -1).replace(/\\(.)/g, '$1');
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const [found] = pattern.exec(this.#text) ?? [];
    this.#position += found?.length ?? 0;
    return found;
  }

  #skip(text: string): boolean {
    const isThere = this.#text.startsWith(text, this.#position);
    if (isThere) this.#position += text.length;
    return isThere;
  }

  #fail(expected: string): never {
    const place = `filter ${JSON.stringify(this.#text.slice(0, 200))}, character ${this.#position}`;
    throw new SnapshotError('INVALID_ARGUMENT', `${place}: expected ${expected}`);
  }
}

function fieldOf({ name, parent, kind, labels }: Snapshot, path: readonly string[]): string | undefined {
  const [field, ...rest] = path;
  if (field === 'labels') {
    const key = rest.join('.');
    return Object.hasOwn(labels, key) ? labels[key] : undefined;
  }
  if (rest.length > 0) return undefined;
  if (field === 'name') return name;
  if (field === 'parent') return parent;
  return field === 'kind' ? kind : undefined;
}
