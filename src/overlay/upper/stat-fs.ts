// The numbers that statfs(2) returns for the file system of an upper, which stores everything that is written.
import { statfsAt } from '../../sys/upper-calls.ts';
import type { StatFs, Status } from '../../vfs/filesystem.ts';
import { NAME_MAX } from '../../vfs/names.ts';

/** Fills `out` for the file system of `fd`; a negative errno if statfs fails. */
export function readStatFs(fd: number, out: StatFs): Status {
  const numbers = new Float64Array(8);
  const status = statfsAt(fd, numbers);
  if (status < 0) return status;
  const [blocks, free, available, files, filesFree, blockSize] = numbers;
  out.blocks = blocks as number;
  out.blocksFree = free as number;
  out.blocksAvailable = available as number;
  out.files = files as number;
  out.filesFree = filesFree as number;
  out.blockSize = blockSize as number;
  out.nameLength = NAME_MAX;
  return 0;
}
