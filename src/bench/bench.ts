// The composition root of the bench: opens an image, or makes synthetic stacks, and runs the contenders on them.
import { join } from 'node:path';
import type { Cold } from './caches.ts';
import type { Contender, Workshop } from './contender.ts';
import { ImageStack } from './image-stack.ts';
import { Processes } from './processes.ts';
import type { BenchResult } from './result.ts';
import { requireLoadProgram } from './native-programs.ts';
import { refuseMount } from './refuse-mount.ts';
import { type BenchPlan, type BenchWatch, runBench } from './run-bench.ts';
import { Scratch } from './scratch.ts';
import { type SyntheticShape, writeSyntheticStack } from './synthetic-stack.ts';
import { type Inspection, inspectImage } from '../inspect/inspect.ts';

export { type Change, compareResults, readResult } from './compare.ts';
export type { BenchResult, Measurement } from './result.ts';
export type { Ratio } from './statistics.ts';
export { type WorkloadSummary, summariseResult } from './summary.ts';
export type { Cold, Contender, SyntheticShape };
export { contenders } from './contender-list.ts';
export { workloads } from './workload-list.ts';
export type { Workload } from './workload.ts';

/** The stacks to measure. */
export type BenchSource =
  | { readonly kind: 'image'; readonly source: string; readonly platform: string | undefined }
  | { readonly kind: 'synthetic'; readonly layers: readonly number[]; readonly shape: SyntheticShape };

export interface BenchOptions extends BenchPlan, BenchWatch {
  readonly source: BenchSource;
  /** The parent of the directory for scratch files. */
  readonly scratch: string;
  /** The command that starts stratafs: program and leading arguments. */
  readonly stratafs: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Runs the bench. Leaves no mount, process or file, also if it fails or is aborted; then it throws the signal's reason.
 */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  requireLoadProgram();
  const scratch = await Scratch.create(options.scratch);
  const inspections: Inspection[] = [];
  try {
    const workshop: Workshop = {
      processes: new Processes(options.signal),
      scratch,
      stratafs: options.stratafs,
      cacheDirectory: await scratch.fresh('cache'),
    };
    const stacks: ImageStack[] = [];
    for (const { source, label, platform } of await findImages(workshop, options)) {
      const inspection = await inspectImage(source, {
        signal: options.signal,
        cacheDirectory: join(workshop.cacheDirectory, 'stratafs'),
        ...(platform === undefined ? {} : { platform }),
      });
      inspections.push(inspection);
      stacks.push(new ImageStack(inspection, { source, label, platform, ...workshop }));
    }
    return await runBench(workshop, stacks, options, options);
  } finally {
    for (const inspection of inspections.reverse()) inspection.close();
    await scratch.remove();
  }
}

interface FoundSource {
  readonly source: string;
  readonly label: string;
  readonly platform: string | undefined;
}

async function findImages(
  { scratch }: Workshop,
  { source, signal, onPhase }: BenchOptions,
): Promise<FoundSource[]> {
  if (source.kind === 'image') {
    await refuseMount(source.source);
    return [{ ...source, label: source.source }];
  }
  const { depth, fanout, seed } = source.shape;
  const label = `made with depth ${depth}, fanout ${fanout}, seed ${seed}`;
  const stacks: FoundSource[] = [];
  for (const [n, layers] of source.layers.entries()) {
    onPhase(`making ${layers} layers`, n, source.layers.length);
    const directory = await scratch.fresh('stack');
    await writeSyntheticStack(directory, layers, source.shape, signal);
    stacks.push({ source: `oci:${directory}`, label, platform: undefined });
  }
  return stacks;
}
