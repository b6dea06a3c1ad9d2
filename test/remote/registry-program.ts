// docker-registry of Debian on loopback, and an image to put into it.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../registry/fake-registry.ts';
import { tarOf } from '../image/scratch.ts';

export interface RegistryProgram {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  stop(): Promise<void>;
}

/** Starts one whose data is in `directory`. `more`: lines of its configuration. `address`: of one that was stopped. */
export async function startRegistry(
  directory: string,
  more: { http?: string; other?: string } = {},
  address = '127.0.0.1:0',
): Promise<RegistryProgram> {
  const config = join(directory, 'config.yml');
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    config,
    `version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: ${join(directory, 'data')}}}
http:
  addr: ${address}
${more.http ?? ''}
${more.other ?? ''}
`,
  );
  // It takes variables like REGISTRY_AUTH_FILE for parts of its configuration.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('REGISTRY_')),
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const port = await readPort(child);
  return {
    host: `127.0.0.1:${port}`,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function readPort(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = '';
    const take = (bytes: Buffer): void => {
      log += bytes.toString();
      const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(log) ?? [];
      if (port !== undefined) resolve(port);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.on('error', reject);
    child.on('exit', (status) => reject(new Error(`docker-registry exited with ${status}: ${log}`)));
  });
}

export interface MadeImage {
  /** An OCI layout. */
  readonly directory: string;
  readonly layers: readonly Buffer[];
  readonly layerDigests: readonly string[];
  readonly manifestDigest: string;
  readonly configDigest: string;
}

/** A layout in `directory` with an image of two plain layers, one of them of three megabytes that nothing compresses. */
export async function makeLayout(directory: string): Promise<MadeImage> {
  return makeLayoutOf(directory, [
    {
      tar: await tarOf([
        ['etc/name', 'made\n'],
        ['old', 'old\n'],
      ]),
    },
    {
      tar: await tarOf([
        ['data', randomBytes(3_000_000)],
        ['old', 'new\n'],
      ]),
    },
  ]);
}

/** A layer. `isGzip`: stored so. `stored`: its blob, of gzip unless `suffix` names something else. */
export interface MadeLayer {
  readonly tar: Buffer;
  readonly isGzip?: boolean;
  readonly stored?: Buffer;
  readonly suffix?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The same with other layers, base first. */
export function makeLayoutOf(directory: string, tars: readonly MadeLayer[]): MadeImage {
  const layers = tars.map(
    ({ tar, isGzip = false, stored }) => stored ?? (isGzip ? gzipSync(tar, { level: 1 }) : tar),
  );
  const blobs = join(directory, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const add = (bytes: Buffer): { digest: string; size: number } => {
    const digest = digestOf(bytes);
    writeFileSync(join(blobs, digest.slice('sha256:'.length)), bytes);
    return { digest, size: bytes.length };
  };
  const described = layers.map((bytes, i) => {
    const { isGzip = false, stored, annotations } = tars[i] ?? {};
    const { suffix = isGzip || stored !== undefined ? '+gzip' : '' } = tars[i] ?? {};
    const mediaType = `application/vnd.oci.image.layer.v1.tar${suffix}`;
    return { mediaType, ...add(bytes), ...(annotations === undefined ? {} : { annotations }) };
  });
  const config = add(
    Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Cmd: ['/bin/true'] },
        rootfs: { type: 'layers', diff_ids: tars.map(({ tar }) => digestOf(tar)) },
        history: [{ created_by: 'base' }, { created_by: 'data' }],
      }),
    ),
  );
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = add(
    Buffer.from(
      JSON.stringify({
        ...{ schemaVersion: 2, mediaType },
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
        layers: described,
      }),
    ),
  );
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(directory, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType, ...manifest, annotations: { 'org.opencontainers.image.ref.name': '1' } }],
    }),
  );
  return {
    directory,
    layers,
    layerDigests: layers.map(digestOf),
    manifestDigest: manifest.digest,
    configDigest: config.digest,
  };
}
