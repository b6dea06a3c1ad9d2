// The fast path: what native code answers from the file system's table alone, before JavaScript is entered.
//
// Facts are gathered here; C++ decides nothing. The handlers give the same bytes for these requests, and answer all others.
import type { FileRange } from '../vfs/blob-reader.ts';
import type { AnswerTable } from '../vfs/answer-table.ts';
import { BLOCK_SIZE, FOREVER, MAX_TRANSFER, Opcode } from './wire/protocol.ts';
import { CACHED_OPEN } from './handlers/files.ts';
import type { OwnerView } from './owners/owner-view.ts';
import type { TableFacts } from '../sys/table-answers.ts';

export function tableFacts(table: AnswerTable, isReadOnly: boolean, owners: OwnerView): TableFacts {
  const { isAsStored, hidesStickyBits } = owners;
  return {
    table: table.table,
    pristine: table.pristine,
    opens: table.opens,
    upperRows: table.upperRows,
    hidden: table.hidden,
    isReadOnly,
    countsLinks: table.countsLinks,
    ownXattrPrefix: table.ownXattrPrefix,
    unsupportedXattr: table.unsupportedXattr,
    mapsOwners: !isAsStored,
    hidesStickyBits,
    users: isAsStored ? new Uint32Array(0) : idPairs(table.users(), (id) => owners.showUser(id)),
    groups: isAsStored ? new Uint32Array(0) : idPairs(table.groups(), (id) => owners.showGroup(id)),
    blobs: Float64Array.from(table.blobs().flatMap(blobNumbers)),
    validity: FOREVER,
    openFlags: CACHED_OPEN,
    blockSize: BLOCK_SIZE,
    maxRead: MAX_TRANSFER,
  };
}

function blobNumbers(blob: FileRange | undefined): readonly number[] {
  if (blob === undefined) return [-1, 0, 0, -1, 0, 0];
  const { fd, position, length, state } = blob;
  return [fd, position, length, state?.size ?? -1, state?.mtimeSec ?? 0, state?.mtimeNsec ?? 0];
}

function idPairs(ids: readonly number[], show: (id: number) => number): Uint32Array {
  return Uint32Array.from([...ids].sort((a, b) => a - b).flatMap((id) => [id, show(id)]));
}

/** Requests that were answered without JavaScript. */
export interface TableAnswerCounts {
  /** By opcode. */
  count(opcode: number): number;
  /** Bytes answered to READ. */
  readonly bytesRead: number;
}

/** `counts` is from Channel.tableAnswers: a count for each opcode that native code answers, then the bytes read. */
export function readCounts(counts: Float64Array | undefined): TableAnswerCounts {
  const byOpcode = counts?.subarray(0, -1);
  return { count: (opcode) => byOpcode?.[opcode] ?? 0, bytesRead: counts?.at(-1) ?? 0 };
}

/** The sum of what two tables answered, one after the other; undefined if neither did. */
export function addCounts(
  a: Float64Array | undefined,
  b: Float64Array | undefined,
): Float64Array | undefined {
  return a === undefined || b === undefined ? (a ?? b) : a.map((count, i) => count + (b[i] ?? 0));
}

/** Numbers by opcode under the kernel's names, those that are 0 left out. */
export function nameCounts(count: (opcode: number) => number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Opcode).flatMap(([name, opcode]) => {
      const number = count(opcode);
      return number > 0 ? [[name, number] as const] : [];
    }),
  );
}
