// Ranges of blobs from servers that break in all ways: no wrong byte, no hang, no error that a retry avoids.
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { Repository } from '../../src/registry/repository.ts';
import {
  type Asked,
  FakeServer,
  answer,
  answerBytes,
  digestOf,
  readAll,
  testOptions,
} from './fake-registry.ts';

const BLOB = randomBytes(3_000_000);
const DIGEST = digestOf(BLOB);
const servers: FakeServer[] = [];
const repositories: Repository[] = [];

afterEach(async () => {
  for (const repository of repositories.splice(0)) await repository.close();
  for (const server of servers.splice(0)) await server.stop();
});

type Handler = (request: Asked, response: ServerResponse) => void;

/** A registry whose blob is answered by `handler`. */
async function registry(handler: Handler): Promise<{ repository: Repository; server: FakeServer }> {
  const server = await FakeServer.start((request, response) => {
    if (request.url === '/v2/') answer(response, 200);
    else handler(request, response);
  });
  const repository = Repository.open(`docker://${server.host}/app:1`, testOptions());
  servers.push(server);
  repositories.push(repository);
  return { repository, server };
}

async function storage(handler: Handler): Promise<FakeServer> {
  const server = await FakeServer.start(handler);
  servers.push(server);
  return server;
}

const whole = (repository: Repository): Promise<Buffer> =>
  readAll(repository.blob(DIGEST, BLOB.length).read(0, BLOB.length));

/** Sends `length` bytes of the answer and breaks the connection. */
function breakAfter(request: Asked, response: ServerResponse, length: number): void {
  const from = Number(/^bytes=(\d+)-/.exec(request.range ?? '')?.[1] ?? 0);
  response.writeHead(206, {
    'content-range': `bytes ${from}-${BLOB.length - 1}/${BLOB.length}`,
    'content-length': String(BLOB.length - from),
  });
  response.write(BLOB.subarray(from, from + length), () => setImmediate(() => response.socket?.destroy()));
}

describe('a range of a blob', () => {
  it('has exactly the bytes that were asked for', async () => {
    const { repository, server } = await registry((request, response) =>
      answerBytes(request, response, BLOB),
    );
    const blob = repository.blob(DIGEST, BLOB.length);
    expect((await readAll(blob.read(1000, 70_000))).equals(BLOB.subarray(1000, 71_000))).toBe(true);
    expect((await readAll(blob.read(BLOB.length - 1, 1))).equals(BLOB.subarray(-1))).toBe(true);
    expect(await readAll(blob.read(5, 0))).toHaveLength(0);
    expect(server.requests.slice(1).map(({ range }) => range)).toEqual([
      'bytes=1000-70999',
      'bytes=2999999-2999999',
    ]);
  });

  it('comes from a server without ranges, too', async () => {
    const { repository } = await registry((_, response) => answer(response, 200, {}, BLOB));
    expect(
      (await readAll(repository.blob(DIGEST, BLOB.length).read(2_000_000, 10))).equals(
        BLOB.subarray(2_000_000, 2_000_010),
      ),
    ).toBe(true);
  });

  it('goes on where the connection broke', async () => {
    const { repository, server } = await registry((request, response) =>
      breakAfter(request, response, 400_000),
    );
    expect((await whole(repository)).equals(BLOB)).toBe(true);
    const starts = server.requests.slice(1).map(({ range }) => Number(/=(\d+)/.exec(range ?? '')?.[1]));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts.length).toBeGreaterThan(7);
  });

  it('comes from the storage that the registry redirects to, which is asked again until its link expires', async () => {
    let good = 'a';
    const store = await storage((request, response) =>
      request.url.endsWith(good) ? answerBytes(request, response, BLOB) : answer(response, 403),
    );
    const { repository, server } = await registry((_, response) =>
      answer(response, 307, { location: `http://${store.host}/blob?link=${good}` }),
    );
    const blob = repository.blob(DIGEST, BLOB.length);
    for (const at of [0, 100, 200]) await readAll(blob.read(at, 50));
    expect(server.requests).toHaveLength(2);
    good = 'b';
    expect((await readAll(blob.read(300, 50))).equals(BLOB.subarray(300, 350))).toBe(true);
    expect(server.requests).toHaveLength(3);
    expect(store.requests).toHaveLength(5);
  });

  it('comes in spite of a hundred random faults', async () => {
    let faults = 100;
    const { repository } = await registry((request, response) => {
      const fault = faults-- > 0 ? Math.floor(Math.random() * 8) : -1;
      const from = Number(/^bytes=(\d+)-/.exec(request.range ?? '')?.[1] ?? 0);
      if (fault === 0) response.socket?.destroy();
      else if (fault === 1) answer(response, 503);
      else if (fault === 2) answer(response, 429, { 'retry-after': '0' });
      else if (fault === 3)
        answer(
          response,
          206,
          { 'content-range': `bytes ${from + 1}-${BLOB.length - 1}/${BLOB.length}` },
          BLOB.subarray(from + 1),
        );
      else if (fault === 4)
        answer(
          response,
          206,
          { 'content-range': `bytes ${from}-${BLOB.length - 1}/${BLOB.length - 7}` },
          BLOB.subarray(from),
        );
      else if (fault < 0 || Math.random() < 0.3) answerBytes(request, response, BLOB);
      else breakAfter(request, response, Math.floor(Math.random() * 200_000));
    });
    const options = testOptions();
    const patient = Repository.open(repository.reference.typed, {
      ...options,
      retries: { attempts: 200, pause: 0, maxPause: 0, maxRetryAfter: 0 },
    });
    repositories.push(patient);
    for (let n = 0; n < 30; n++) {
      const from = Math.floor(Math.random() * BLOB.length);
      const length = Math.floor(Math.random() * (BLOB.length - from));
      const bytes = await readAll(patient.blob(DIGEST, BLOB.length).read(from, length));
      expect(bytes.equals(BLOB.subarray(from, from + length))).toBe(true);
    }
  });

  it('ends in an error by name if the server stops for good', async () => {
    const { repository } = await registry((request, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-${BLOB.length - 1}/${BLOB.length}` });
      response.write(request.range === `bytes=0-${BLOB.length - 1}` ? BLOB.subarray(0, 10) : '');
    });
    const { retries, ...options } = testOptions();
    const impatient = Repository.open(repository.reference.typed, {
      ...options,
      retries: { ...(retries as NonNullable<typeof retries>), attempts: 2 },
    });
    repositories.push(impatient);
    await expect(whole(impatient)).rejects.toThrow(/app:1: /);
  });

  it('beyond the end of what the server has is an error', async () => {
    const { repository } = await registry((_, response) => answer(response, 416));
    await expect(whole(repository)).rejects.toThrow(/has fewer than the 3000000 bytes/);
  });

  it('that is aborted ends at once', async () => {
    const { repository } = await registry((request, response) => breakAfter(request, response, 0));
    const abort = new AbortController();
    const reading = readAll(repository.blob(DIGEST, BLOB.length).read(0, 10, abort.signal));
    abort.abort(new Error('stop'));
    await expect(reading).rejects.toThrow('stop');
  });
});
