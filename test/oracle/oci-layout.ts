// OCI image layouts as oracles and fixtures have them (OCI image-spec, image-layout.md): written around layer tars,
// and taken apart by other people's programs.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** `tars` base first; the image is `directory:latest`. `compression`: how the layers are stored. */
export function writeOciLayout(
  directory: string,
  tars: readonly Buffer[],
  compression: 'none' | 'gzip' = 'none',
): void {
  const blobs = join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const addBlob = (mediaType: string, bytes: Buffer): { mediaType: string; digest: string; size: number } => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const addJson = (mediaType: string, value: object): ReturnType<typeof addBlob> =>
    addBlob(mediaType, Buffer.from(JSON.stringify(value)));

  const type = 'application/vnd.oci.image.layer.v1.tar';
  const layers = tars.map((tar) =>
    compression === 'gzip' ? addBlob(`${type}+gzip`, gzipSync(tar)) : addBlob(type, tar),
  );
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  const config = addJson('application/vnd.oci.image.config.v1+json', {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => `sha256:${sha256(tar)}`) },
  });
  const manifest = addJson('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers,
  });
  writeFileSync(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
  writeFileSync(
    join(directory, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
}

/**
 * The uncompressed layer tars of the only image in an OCI archive, base first; the archive is unpacked to the new
 * directory `layout`. Needs tar, gzip, zstd.
 */
export function readOciArchive(archive: string, layout: string): Buffer[] {
  mkdirSync(layout);
  execFileSync('tar', ['-x', '-f', archive, '-C', layout]);
  const readBlob = (descriptor: { digest: string }): Buffer =>
    readFileSync(join(layout, 'blobs', ...descriptor.digest.split(':')));
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: { digest: string }[];
  };
  const [descriptor] = index.manifests;
  if (descriptor === undefined || index.manifests.length > 1)
    throw new Error(`${archive}: expected one image`);
  const manifest = JSON.parse(readBlob(descriptor).toString()) as { layers: { digest: string }[] };
  return manifest.layers.map((layer) => {
    const blob = readBlob(layer);
    const magic = blob.readUInt16BE();
    if (magic === 0x1f8b) return execFileSync('gzip', ['-dc'], { input: blob, maxBuffer: 1 << 28 });
    return magic === 0x28b5 || (magic & 0xf0ff) === 0x502a
      ? execFileSync('zstd', ['-dc', '-q'], { input: blob, maxBuffer: 1 << 28 })
      : blob;
  });
}
