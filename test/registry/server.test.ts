// A server that can't be reached at all.
import { expect, it } from 'vitest';
import { endpointsOf } from '../../src/registry/endpoints.ts';
import { parseRegistryReference } from '../../src/registry/reference.ts';
import { Server } from '../../src/registry/server.ts';
import { DEFAULT_TIMEOUTS, Transport } from '../../src/registry/transport.ts';
import { testOptions } from './fake-registry.ts';

/** Every request fails with the code, as undici and node:net do where no connection can be made. */
class UnreachableTransport extends Transport {
  readonly #code: string;
  requests = 0;

  constructor(code: string) {
    super({}, DEFAULT_TIMEOUTS);
    this.#code = code;
  }

  override send(): Promise<never> {
    this.requests++;
    return Promise.reject(Object.assign(new Error('failed'), { code: this.#code }));
  }
}

it.each([
  ['ECONNREFUSED', /nothing listens there/],
  ['EHOSTUNREACH', /the host can not be reached/],
  ['ENETUNREACH', /the network can not be reached/],
  ['UND_ERR_CONNECT_TIMEOUT', /does not accept a connection in time/],
])('%s is reported at once', async (code, message) => {
  const { environment = {}, retries } = testOptions();
  const [endpoint] = endpointsOf(parseRegistryReference('docker://registry.example/app'), environment, {
    hostsDirectory: '/nonexistent',
  });
  const transport = new UnreachableTransport(code);
  if (endpoint === undefined || retries === undefined) return expect.fail('no endpoint');
  const server = new Server(endpoint, { transport, environment, retries, shown: 'app' });
  await expect(server.send({ method: 'GET', path: 'x', scopes: [] })).rejects.toThrow(message);
  expect(transport.requests).toBe(1);
});
