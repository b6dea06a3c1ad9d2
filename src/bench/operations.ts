// The operations that workloads are made of, grouped by what they need of a contender.

export const operations = {
  metadata: ['stat', 'lookup', 'missing', 'readdir', 'walk'],
  content: ['open-read-close', 'sequential-read', 'random-read', 'map-exec', 'read-all'],
  changes: ['copy-up', 'append', 'create', 'unlink', 'rename', 'remove-tree', 'untar', 'dbench'],
  mounts: ['mount'],
} as const;

export type OperationFamily = keyof typeof operations;
export type Operation = (typeof operations)[OperationFamily][number];

/** The operations of native/load, by its names; dbench is a program of its own. */
export type LoadOperation = Exclude<Operation, 'dbench'>;
