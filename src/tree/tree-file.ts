// Stores a merged tree in one file, the Tree's table as it lies in memory, so that the same layers are merged only
// once.
//
// docs/formats.md, "Tree file", documents the fields. A file that is short, old, changed or of other layers is not an
// error: loading returns undefined, and the caller merges again. The same holds for a file whose checksum is right but
// whose table no merge can have made.
import createDebug from 'debug';
import { createHash } from 'node:crypto';
import { INDEX_FILE_VERSION } from '../layer/index-file.ts';
import { saveFile, withSavedFile } from '../layer/saved-file.ts';
import { checkTree } from '../sys/table-check.ts';
import { TABLE_VERSION, type TableCounts, TreeTable, tableLength } from './layout.ts';
import { Tree } from './tree.ts';

const debug = createDebug('stratafs:store');

/** Changes when the fields below change, or when the same indexes would give another tree. */
export const TREE_FILE_VERSION = 1;

/** The content of a tree file. */
export interface SavedTree {
  /** As merged: every inode is pristine. */
  readonly tree: Tree;
  /** Bytes of the files of all layers, as `sizeOfLayer` counts them. */
  readonly layersSize: number;
}

/** Offsets of the header's fields, in bytes. */
export const TreeFileField = {
  magic: 0,
  version: 8,
  tableVersion: 12,
  indexVersion: 16,
  zero: 20,
  sha256: 24,
  key: 56,
  layersSize: 88,
  inodes: 96,
  dentries: 104,
  layers: 112,
  extentNumbers: 120,
  poolBytes: 128,
  xattrBytes: 136,
} as const;

export const TREE_FILE_HEADER_SIZE = 144;
const MAGIC = Buffer.from('stratree');
const SHA256_SIZE = 32;
/** `sha256` covers the bytes from here on. */
const CHECKED_FROM = TreeFileField.key;
const countFields = ['inodes', 'dentries', 'layers', 'extentNumbers', 'poolBytes', 'xattrBytes'] as const;

/** Writes the file atomically. `key`: 64 hex digits that identify the layers. Throws Node's own errors. */
export function saveTreeFile(path: string, key: string, { tree, layersSize }: SavedTree): Promise<void> {
  const header = newHeader(key);
  header.writeDoubleLE(layersSize, TreeFileField.layersSize);
  for (const name of countFields) header.writeDoubleLE(tree.counts[name], TreeFileField[name]);
  const table = new Uint8Array(tree.buffer);
  header.set(checksum(header, table), TreeFileField.sha256);
  return saveFile(path, [header, table]);
}

/**
 * The tree in the file; undefined if the file is missing, incomplete, changed or of other layers. Throws Node's errors.
 */
export function loadTreeFile(path: string, key: string): Promise<SavedTree | undefined> {
  return withSavedFile(path, async (file) => {
    const start = await file.read(0, TREE_FILE_HEADER_SIZE);
    if (start === undefined) return undefined;
    const header = Buffer.from(start);
    const isOurs =
      header.subarray(0, TreeFileField.sha256).equals(newHeader(key).subarray(0, TreeFileField.sha256)) &&
      header.toString('hex', TreeFileField.key, TreeFileField.key + SHA256_SIZE) === key;
    const counts = isOurs ? decodeCounts(header, file.size) : undefined;
    if (counts === undefined) return undefined;
    const length = tableLength(counts);
    if (TREE_FILE_HEADER_SIZE + length !== file.size) return undefined;
    const table = await file.read(TREE_FILE_HEADER_SIZE, length);
    if (table === undefined) return undefined;
    const layersSize = header.readDoubleLE(TreeFileField.layersSize);
    if (!Number.isSafeInteger(layersSize) || layersSize < 0) return undefined;
    const tree = TreeTable.open(counts, table);
    if (tree === undefined) return undefined;
    // The pool thread checks the table while this thread computes its hash.
    const checking = checkTree(tree.buffer);
    const sha256 = header.subarray(TreeFileField.sha256, TreeFileField.sha256 + SHA256_SIZE);
    const isUnchanged = checksum(header, new Uint8Array(table)).equals(sha256);
    const fault = await checking;
    if (!isUnchanged) return undefined;
    if (fault !== undefined) {
      debug('%s: not used, the layers are merged again: %s', path, fault);
      return undefined;
    }
    return { tree: new Tree(tree), layersSize };
  });
}

/** The header for the layers that `key` identifies, without the fields that depend on the tree. */
function newHeader(key: string): Buffer {
  const header = Buffer.alloc(TREE_FILE_HEADER_SIZE);
  header.set(MAGIC, TreeFileField.magic);
  header.writeUInt32LE(TREE_FILE_VERSION, TreeFileField.version);
  header.writeUInt32LE(TABLE_VERSION, TreeFileField.tableVersion);
  header.writeUInt32LE(INDEX_FILE_VERSION, TreeFileField.indexVersion);
  header.write(key, TreeFileField.key, 'hex');
  return header;
}

function decodeCounts(header: Buffer, fileSize: number): TableCounts | undefined {
  const counts = Object.fromEntries(
    countFields.map((name) => [name, header.readDoubleLE(TreeFileField[name])]),
  ) as unknown as TableCounts;
  const isSane = countFields.every(
    (name) => Number.isInteger(counts[name]) && counts[name] >= 0 && counts[name] <= fileSize,
  );
  return isSane ? counts : undefined;
}

/** The digest of everything after the checksum field. */
function checksum(header: Buffer, table: Uint8Array): Buffer {
  return createHash('sha256').update(header.subarray(CHECKED_FROM)).update(table).digest();
}
