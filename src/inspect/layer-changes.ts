// Counts the names that each layer adds, changes and deletes.
import type { LayerIndex } from '../layer/layer-index.ts';
import { LayerAttributes, differingAttributes } from './attributes.ts';
import type { InspectedImage } from './inspected-image.ts';
import type { Change, Shown } from './name-trace.ts';
import { stackOf } from './open-stack.ts';

/** The names that one layer adds, changes and deletes, counted. */
export interface LayerChanges {
  /** Names that did not exist below it. */
  readonly added: number;
  /** Existing names that it replaces; of directories, only those whose attributes it changes. */
  readonly changed: number;
  /** Names that it removes, including those within a removed directory. */
  readonly deleted: number;
}

/** One record a layer, base first. Throws InputError like `stackOf`. */
export function countChanges(inspected: InspectedImage): LayerChanges[] {
  const indexes = inspected.layers.map(({ layer }) => layer.index);
  const counts = indexes.map(() => ({ added: 0, changed: 0, deleted: 0 }));
  const count = ({ layer, before, after }: Change): void => {
    const of = counts[layer];
    if (of === undefined) return;
    if (before === undefined) of.added++;
    else if (after === undefined) of.deleted++;
    else if (!before.isDirectory || !after.isDirectory) of.changed++;
    else if (changesDirectory(indexes, before, after)) of.changed++;
  };
  stackOf(inspected).walk((_, { changes }) => {
    for (const change of changes) count(change);
  });
  return counts;
}

/** A directory's mtime changes with every name in it, so a new mtime alone doesn't count as a change, as in `docker diff`. */
export function changesDirectory(indexes: readonly LayerIndex[], before: Shown, after: Shown): boolean {
  const found = differingAttributes(
    new LayerAttributes(indexes, before),
    new LayerAttributes(indexes, after),
  );
  return found.some((attribute) => attribute !== 'mtime');
}
