// The colours of file names: LS_COLORS as dircolors(1) writes it and ls(1) reads it.
//
// An entry is KEY=STYLE. A key of two letters is a type of file; `*SUFFIX` is the end of a regular file's name. The style is
// a list of SGR parameters; entries with anything else, such as keys that change the escape sequences themselves, are ignored.
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
} from '../../vfs/attr.ts';

export interface FileFacts {
  /** The name or path: one character for each byte. */
  readonly name: string;
  /** As st_mode. */
  readonly mode: number;
  /** The number of names; 1 if it is left out. */
  readonly linkCount?: number | undefined;
  /** True if the file has the xattr security.capability. */
  readonly hasCapabilities?: boolean | undefined;
  /** Of a symlink: st_mode of the file that it leads to, 'missing' if that does not exist, undefined if it is unknown. */
  readonly target?: number | 'missing' | undefined;
}

export interface FileColors {
  /** SGR parameters; '' for none. */
  readonly fileStyle: (file: FileFacts) => string;
}

/** ls's own colours, which LS_COLORS overrides. */
const defaults: Readonly<Record<string, string>> = {
  di: '01;34',
  ln: '01;36',
  pi: '33',
  so: '01;35',
  bd: '01;33',
  cd: '01;33',
  do: '01;35',
  ex: '01;32',
  su: '37;41',
  sg: '30;43',
  st: '37;44',
  ow: '34;42',
  tw: '30;42',
  ca: '30;41',
};

const SGR = /^[\d;]*$/;
/** What ls takes for no style. */
const NO_STYLE = /^0{1,2}$/;
const EXECUTABLE = 0o111;
const WRITABLE_BY_OTHERS = 0o002;

/** `text`: the value of LS_COLORS; undefined or '' for ls's own colours. */
export function parseLsColors(text: string | undefined): FileColors {
  const types = new Map(Object.entries(defaults));
  const suffixes = new SuffixTable();
  for (const entry of (text ?? '').split(':')) {
    const [, key, found] = /^([^=]+)=(.*)$/s.exec(entry) ?? [];
    if (key === undefined || found === undefined) continue;
    const style = NO_STYLE.test(found) ? '' : found;
    if (key === 'ln' && style === 'target') types.set(key, style);
    else if (!SGR.test(style)) continue;
    else if (key.startsWith('*')) suffixes.add(Buffer.from(key.slice(1)).toString('latin1'), style);
    else types.set(key, style);
  }
  return { fileStyle: (file) => styleOf(file, types, suffixes) };
}

type Types = ReadonlyMap<string, string>;

/** As in ls, a type without a style gives way to the next type that fits. */
const hasColor = (types: Types, key: string): boolean => (types.get(key) ?? '') !== '';

function styleOf(file: FileFacts, types: Types, suffixes: SuffixTable): string {
  const { mode, target } = file;
  if ((mode & S_IFMT) !== S_IFLNK) return styleOfTarget(file, types, suffixes);
  const followsTarget = types.get('ln') === 'target';
  if (target === 'missing' && (followsTarget || hasColor(types, 'or'))) return types.get('or') ?? '';
  if (!followsTarget) return types.get('ln') ?? '';
  return typeof target === 'number' ? styleOfTarget({ ...file, mode: target }, types, suffixes) : '';
}

/** The style of a file that is not a symlink. */
function styleOfTarget(file: FileFacts, types: Types, suffixes: SuffixTable): string {
  const key = typeOf(file, types);
  if (key !== 'fi') return types.get(key) ?? '';
  return suffixes.find(file.name) ?? types.get('fi') ?? '';
}

/** The key of the type in LS_COLORS. */
function typeOf({ mode, linkCount = 1, hasCapabilities = false }: FileFacts, types: Types): string {
  const candidates: readonly (readonly [key: string, applies: boolean])[] = typeCandidates(
    mode,
    linkCount,
    hasCapabilities,
  );
  const [key] = candidates.find(([each, applies]) => applies && hasColor(types, each)) ?? [];
  return key ?? plainTypes.get(mode & S_IFMT) ?? 'or';
}

const plainTypes = new Map([
  [S_IFREG, 'fi'],
  [S_IFDIR, 'di'],
  [S_IFLNK, 'ln'],
  [S_IFIFO, 'pi'],
  [S_IFSOCK, 'so'],
  [S_IFBLK, 'bd'],
  [S_IFCHR, 'cd'],
]);

/** The special types, the first of which wins. */
function typeCandidates(
  mode: number,
  linkCount: number,
  hasCapabilities: boolean,
): readonly (readonly [key: string, applies: boolean])[] {
  const has = (bits: number): boolean => (mode & bits) !== 0;
  switch (mode & S_IFMT) {
    case S_IFREG:
      return [
        ['su', has(S_ISUID)],
        ['sg', has(S_ISGID)],
        ['ca', hasCapabilities],
        ['ex', has(EXECUTABLE)],
        ['mh', linkCount > 1],
      ];
    case S_IFDIR:
      return [
        ['tw', has(S_ISVTX) && has(WRITABLE_BY_OTHERS)],
        ['ow', has(WRITABLE_BY_OTHERS)],
        ['st', has(S_ISVTX)],
      ];
    default:
      return [];
  }
}

interface Suffix {
  readonly text: string;
  readonly style: string;
  /** The position in LS_COLORS: of several that fit, the last one wins. */
  readonly order: number;
}

/** Suffixes of names. They match in any case, unless the list has another style for the same letters in another case. */
class SuffixTable {
  /** By the text in lower case. */
  readonly #entries = new Map<string, Suffix[]>();
  readonly #lengths = new Set<number>();
  #count = 0;

  add(text: string, style: string): void {
    const key = lowerCase(text);
    this.#lengths.add(key.length);
    this.#entries.set(key, [...(this.#entries.get(key) ?? []), { text, style, order: this.#count++ }]);
  }

  find(name: string): string | undefined {
    const lower = lowerCase(name);
    let best: Suffix | undefined;
    for (const length of this.#lengths) {
      if (length > name.length) continue;
      const start = name.length - length;
      const found = matchCase(this.#entries.get(lower.slice(start)) ?? [], name.slice(start));
      if (found !== undefined && found.order > (best?.order ?? -1)) best = found;
    }
    return best?.style;
  }
}

function matchCase(entries: readonly Suffix[], end: string): Suffix | undefined {
  const isOneStyle = entries.every(({ style }) => style === entries[0]?.style);
  return isOneStyle ? entries.at(-1) : entries.findLast(({ text }) => text === end);
}

/** In ASCII only. */
const lowerCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
