// The protocol of containerd's proxy snapshotters over gRPC: messages in, operations of the Snapshotter, messages out. Every
// failure is answered with a status; what is not the caller's fault is INTERNAL.
import { type ServerUnaryCall, type handleUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { InputError } from '../vfs/input-error.ts';
import type { Metrics } from './metrics.ts';
import { type Snapshot, SnapshotError } from './snapshot.ts';
import type { SnapshotMount } from './snapshot-mounts.ts';
import type { Snapshotter } from './snapshotter.ts';
import {
  type CommitSnapshotRequest,
  type Info,
  Kind,
  type Mount,
  type PrepareSnapshotRequest,
  type SnapshotsServer,
  type Timestamp,
} from './wire/snapshots.ts';

const kinds = { view: Kind.VIEW, active: Kind.ACTIVE, committed: Kind.COMMITTED } as const;
/** Snapshots in a message of List. */
const LIST_BATCH = 100;

/** Gets each answer, for logs. */
export type OnAnswer = (answer: {
  readonly method: string;
  readonly key: string;
  readonly milliseconds: number;
  readonly code: string;
  readonly error?: unknown;
}) => void;

/** The handlers of all methods. */
export function makeService(snapshotter: Snapshotter, metrics: Metrics, onAnswer: OnAnswer): SnapshotsServer {
  const observe = async <T>(method: string, key: string, act: () => T | Promise<T>): Promise<T> => {
    const started = performance.now();
    let error: unknown;
    try {
      return await act();
    } catch (failure) {
      error = failure;
      throw failure;
    } finally {
      const milliseconds = performance.now() - started;
      const code = error === undefined ? 'OK' : failureOf(error);
      metrics.noteRequest(method, code, milliseconds / 1000);
      onAnswer({ method, key, milliseconds, code, ...(error === undefined ? {} : { error }) });
    }
  };
  const unary =
    <Request, Response>(
      method: string,
      nameOf: (request: Request) => string,
      act: (request: Request) => Response | Promise<Response>,
    ): handleUnaryCall<Request, Response> =>
    (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      observe(method, nameOf(call.request), () => act(call.request)).then(
        (response) => callback(null, response),
        (error: unknown) => callback(statusOf(error)),
      );
    };
  return {
    prepare: unary('Prepare', keyOf, async (request: PrepareSnapshotRequest) =>
      describeMounts(await snapshotter.prepare(request)),
    ),
    view: unary('View', keyOf, async (request: PrepareSnapshotRequest) =>
      describeMounts(await snapshotter.view(request)),
    ),
    mounts: unary('Mounts', keyOf, async (request) => describeMounts(await snapshotter.mounts(request.key))),
    commit: unary('Commit', keyOf, async ({ name, key: active, labels }: CommitSnapshotRequest) => {
      await snapshotter.commit(name, active, labels);
      return {};
    }),
    remove: unary('Remove', keyOf, async (request) => {
      await snapshotter.remove(request.key);
      return {};
    }),
    stat: unary('Stat', keyOf, (request) => ({ info: describe(snapshotter.stat(request.key)) })),
    update: unary(
      'Update',
      ({ info }) => info?.name ?? '',
      ({ info, updateMask }) => {
        if (info === undefined) throw new SnapshotError('INVALID_ARGUMENT', 'found no info, expected one');
        return { info: describe(snapshotter.update(info.name, info.labels, updateMask?.paths ?? [])) };
      },
    ),
    usage: unary('Usage', keyOf, async (request) => ({ ...(await snapshotter.usage(request.key)) })),
    cleanup: unary(
      'Cleanup',
      () => '',
      async () => {
        await snapshotter.cleanup();
        return {};
      },
    ),
    list: (call) => {
      const send = (): void => {
        const found = snapshotter.list(call.request.filters).map(describe);
        for (let i = 0; i < found.length; i += LIST_BATCH)
          call.write({ info: found.slice(i, i + LIST_BATCH) });
      };
      observe('List', '', send).then(
        () => call.end(),
        (error: unknown) => call.destroy(Object.assign(new Error(), statusOf(error))),
      );
    },
  };
}

const keyOf = ({ key }: { readonly key: string }): string => key;

/** The name of the gRPC status. */
function failureOf(error: unknown): keyof typeof status {
  if (error instanceof SnapshotError) return error.failure;
  return error instanceof InputError ? 'UNAVAILABLE' : 'INTERNAL';
}

function statusOf(error: unknown): { readonly code: status; readonly details: string } {
  return {
    code: status[failureOf(error)],
    details: error instanceof Error ? error.message : String(error),
  };
}

function describeMounts(mounts: readonly SnapshotMount[]): { mounts: Mount[] } {
  return {
    mounts: mounts.map(({ type, source, options }) => ({ type, source, target: '', options: [...options] })),
  };
}

function describe({ name, parent, kind, createdAt, updatedAt, labels }: Snapshot): Info {
  return {
    ...{ name, parent, kind: kinds[kind], labels: { ...labels } },
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
  };
}

function timestampOf(milliseconds: number): Timestamp {
  return { seconds: Math.floor(milliseconds / 1000), nanos: (milliseconds % 1000) * 1_000_000 };
}
