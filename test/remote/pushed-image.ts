// An image of a gzip layer and a plain one in docker-registry, and a proxy of it that breaks transfers.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openImageSource } from '../../src/image/open-image.ts';
import { pushImage } from '../../src/remote/push-image.ts';
import { tarOf } from '../image/scratch.ts';
import type { testOptions } from '../registry/fake-registry.ts';
import { BreakingProxy } from './breaking-proxy.ts';
import { type MadeImage, type RegistryProgram, makeLayoutOf, startRegistry } from './registry-program.ts';

export interface RemoteImage {
  /** A directory that `stop` removes. */
  readonly scratch: string;
  readonly layout: MadeImage;
  /** The layers uncompressed, base first. */
  readonly tars: readonly Buffer[];
  readonly registry: RegistryProgram;
  readonly proxy: BreakingProxy;
}

/** Pushes `app:1`: `count` files of 300 kB in the base layer, ten of them again in the other. */
export async function pushTwoLayers(
  count: number,
  options: { readonly registry: ReturnType<typeof testOptions> },
): Promise<RemoteImage> {
  const scratch = await mkdtemp(join(tmpdir(), 'stratafs-remote-'));
  const files = Array.from({ length: count }, (_, i) => [`file-${i}`, randomBytes(300_000)] as const);
  const base = await tarOf(files);
  const top = await tarOf([...files.slice(0, 10), ['last', 'x']]);
  const layout = makeLayoutOf(join(scratch, 'layout'), [{ tar: base, isGzip: true }, { tar: top }]);
  const registry = await startRegistry(join(scratch, 'registry'));
  const proxy = await BreakingProxy.start(registry.host);
  const source = await openImageSource(layout.directory);
  await pushImage(source, `docker://${registry.host}/app:1`, { diskCache: undefined, ...options });
  return { scratch, layout, tars: [base, top], registry, proxy };
}

export async function stopRemote({
  scratch,
  registry,
  proxy,
}: Pick<RemoteImage, 'scratch' | 'registry' | 'proxy'>): Promise<void> {
  await proxy.stop();
  await registry.stop();
  rmSync(scratch, { recursive: true, force: true });
}
