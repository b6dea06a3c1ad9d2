// Uploads to registries that break: what is sent again, and when a push ends.
import { Readable } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { Repository } from '../../src/registry/repository.ts';
import { type LocalBlob, sendBlob } from '../../src/registry/uploads.ts';
import { type Asked, FakeServer, answer, digestOf, testOptions } from './fake-registry.ts';

const BLOB = Buffer.alloc(1_000_000, 'blob');
let server: FakeServer | undefined;
let repository: Repository | undefined;

afterEach(async () => {
  await repository?.close();
  await server?.stop();
});

/** A registry without the blob, whose uploads are answered by `handler`. */
async function open(handler: (request: Asked) => [number, Record<string, string>?]): Promise<Repository> {
  server = await FakeServer.start((request, response) => {
    const isUpload = request.url.includes('/uploads/');
    if (!isUpload) answer(response, request.url === '/v2/' ? 200 : 404);
    else if (request.method === 'POST') answer(response, 202, { location: '/v2/app/blobs/uploads/u' });
    else answer(response, ...handler(request));
  });
  repository = Repository.open(`docker://${server.host}/app:1`, testOptions());
  return repository;
}

const blobOf = (open: LocalBlob['open']): LocalBlob => ({ digest: digestOf(BLOB), size: BLOB.length, open });

const upload = ({ server: target, retries }: Repository, blob: LocalBlob): Promise<unknown> =>
  sendBlob(target, blob, { retries });

it('a blob whose file can not be read is the error of the file, and is not tried again', async () => {
  let opened = 0;
  const failing = (): Readable => {
    opened++;
    return new Readable({
      read() {
        this.destroy(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }));
      },
    });
  };
  const target = await open(() => [202, { location: '/v2/app/blobs/uploads/u' }]);
  await expect(upload(target, blobOf(failing))).rejects.toThrow('EIO: i/o error, read');
  expect(opened).toBe(1);
});

it('a blob whose file was cut short is an error that says so', async () => {
  const target = await open(() => [202, { location: '/v2/app/blobs/uploads/u' }]);
  const short = blobOf(() => Readable.from([BLOB.subarray(0, 1000)]));
  await expect(upload(target, short)).rejects.toMatchObject({
    code: 'ERR_STRATAFS_CHANGED',
    message: expect.stringContaining('ends at byte 1000, expected 1000000 bytes') as string,
  });
});

it('a blob whose upload comes no further is not sent for ever', async () => {
  let patches = 0;
  const target = await open(({ method }) => {
    // Every other upload is lost: the next one begins anew.
    const isLost = patches % 2 === 0;
    if (method === 'GET')
      return isLost ? [404] : [204, { range: '0-99', location: '/v2/app/blobs/uploads/u' }];
    if (++patches > 30) return [403];
    return [503];
  });
  const whole = blobOf((offset) => Readable.from([BLOB.subarray(offset)]));
  await expect(upload(target, whole)).rejects.toThrow(/answers 503/);
  expect(patches).toBeLessThan(20);
});
