// The types of files, judged by their names alone: the report holds no contents.
import { NodeKind } from '../inspect/report-format.ts';
import type { NodeTable } from './node-table.ts';

export interface FileType {
  readonly title: string;
  /** Of its colour, in degrees. */
  readonly hue: number;
  /** Tried on the whole path, in the order of the list. */
  readonly pattern: RegExp;
}

const endings = (list: string): RegExp => new RegExp(`\\.(?:${list})$`, 'i');

export const fileTypes: readonly FileType[] = [
  {
    ...{ title: 'Libraries', hue: 250 },
    pattern: /\.(?:so|dll|dylib|a|o|ko|node)(?:\.[\d.]+)?$/i,
  },
  {
    ...{ title: 'Source and scripts', hue: 75 },
    pattern: endings('[cm]?[jt]sx?|map|pyc?|pyi|rb|pl|pm|sh|[ch]|cc|[ch]pp|go|rs|java|php|lua|el|class|sql'),
  },
  {
    ...{ title: 'Archives and packages', hue: 25 },
    pattern: endings('gz|tgz|xz|bz2|zst|zip|tar|jar|war|whl|deb|rpm|apk|gem'),
  },
  {
    ...{ title: 'Translations', hue: 320 },
    pattern: /\.(?:g?mo|po|qm)$|\/(?:locale|i18n)\//i,
  },
  {
    ...{ title: 'Images, fonts and sound', hue: 355 },
    pattern: endings('png|jpe?g|gif|webp|svg|ico|bmp|ttf|otf|woff2?|eot|mp[34]|ogg|wav'),
  },
  {
    ...{ title: 'Text and data', hue: 150 },
    pattern:
      /\.(?:txt|md|rst|html?|css|json|ya?ml|xml|toml|ini|conf|cfg|csv|list|pem|crt|db|dat|[1-8])$|\/(?:doc|man|info|zoneinfo)\/|^\/etc\//i,
  },
  { title: 'Programs', hue: 205, pattern: /\/(?:s?bin|libexec)\//i },
];

/** The index of files that fit none. */
export const OTHER_TYPE = fileTypes.length;

export const titleOfType = (type: number): string => fileTypes[type]?.title ?? 'Others';

export function typeOfPath(path: string): number {
  const found = fileTypes.findIndex(({ pattern }) => pattern.test(path));
  return found < 0 ? OTHER_TYPE : found;
}

/** By node. Names that are folded into one node are of type OTHER_TYPE, as directories are. */
export function typesOf(table: NodeTable): Uint8Array {
  const types = new Uint8Array(table.count).fill(OTHER_TYPE);
  for (const [node, path] of table.paths()) {
    if (!table.isDirectory(node) && table.kindOf(node) !== NodeKind.folded) types[node] = typeOfPath(path);
  }
  return types;
}

/** Bytes by type in the subtree of `node`; `sums`: bytes by node. */
export function bytesByType(table: NodeTable, types: Uint8Array, sums: Float64Array, node: number): number[] {
  const bytes = new Array<number>(OTHER_TYPE + 1).fill(0);
  for (let at = node; at < table.endOf(node); at++) {
    const type = types[at] ?? OTHER_TYPE;
    if (!table.isDirectory(at)) bytes[type] = (bytes[type] ?? 0) + (sums[at] ?? 0);
  }
  return bytes;
}
