// Snapshots in containerd's sense: a tree of states of a file system, each made on top of a committed parent.
import { InputError } from '../vfs/input-error.ts';

export type SnapshotKind = 'view' | 'active' | 'committed';

/** Disk space. */
export interface Usage {
  /** Bytes. */
  readonly size: number;
  readonly inodes: number;
}

/** A layer of an image of a registry, whose files are shown without being unpacked. */
export interface ImageLayer {
  /** `docker://HOST/NAME@DIGEST`: the image. */
  readonly image: string;
  /** Counted from 1 at the base. */
  readonly number: number;
  /** `sha256:<hex>` of the blob as stored. */
  readonly digest: string;
  /** Bytes of the blob. */
  readonly size: number;
  /** True: the blob is fetched as it is read, with the index of the registry. False: all of it is in the blob directory. */
  readonly isLazy: boolean;
}

export interface Snapshot {
  /** Names its directory; never 0. */
  readonly id: number;
  /** containerd's key, or the name that Commit gave it. */
  readonly name: string;
  /** The name of the parent; '' without one. */
  readonly parent: string;
  readonly kind: SnapshotKind;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a committed snapshot. */
  readonly usage?: Usage | undefined;
  /** Of a committed snapshot that has no directory of its own. */
  readonly layer?: ImageLayer | undefined;
}

/** containerd's kinds of failure, by the names of gRPC. */
export type SnapshotFailure = 'INVALID_ARGUMENT' | 'NOT_FOUND' | 'ALREADY_EXISTS' | 'FAILED_PRECONDITION';

/** A request that the state of the snapshots does not allow. */
export class SnapshotError extends InputError {
  readonly failure: SnapshotFailure;

  constructor(failure: SnapshotFailure, message: string) {
    super(message);
    this.name = 'SnapshotError';
    this.failure = failure;
  }
}
