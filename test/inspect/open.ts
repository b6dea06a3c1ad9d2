// Opens images for tests of the views, their indexes kept in a scratch directory.
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Inspection, type InspectOptions, inspectImage } from '../../src/inspect/inspect.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { fixture } from '../mount/stratafs.ts';

/** Closed when the test ends. */
export async function inspectForTest(source: string, options: InspectOptions = {}): Promise<Inspection> {
  const cacheDirectory = join(await scratchDirectory(), 'cache');
  const inspection = await inspectImage(source, { cacheDirectory, ...options });
  onTestFinished(() => inspection.close());
  return inspection;
}

/** An image of fixtures/, by the name in its oracle. */
export function inspectFixture(name: 'expressweb' | 'extending-expressweb'): Promise<Inspection> {
  return inspectForTest(`${fixture('expressweb-both.tar')}:${name}`);
}
